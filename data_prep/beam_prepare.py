"""Photos -> maps -> image and label shards on Apache Beam, on one machine or many.

    python -m data_prep.beam_prepare --images=PATTERN --output=DIR [--masks=PATTERN]
        [--methods=rbd,dsr,mc,hs] [--runner=DirectRunner|FlinkRunner|SparkRunner|DataflowRunner ...]

Patterns and the folder may be local or in a bucket: --images='gs://bucket/photos/*.jpg'. Flags
that are not this command's go to Beam and its runner. The shards are those of
data_prep.compute_maps and data_prep.write_records, byte for byte. Maps are kept in
OUTPUT/maps/<method>/<id>.png, so an interrupted run goes on where it stopped; photos that cannot be
used are named in OUTPUT/left_out.txt.
"""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import apache_beam as beam
import tensorflow as tf
from absl import flags
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.pvalue import AsSingleton
from apache_beam.runners.runner import PipelineState

from data_prep.base.command import start
from data_prep.base.errors import InputError
from data_prep.base.files import clear_write_errors, write_text
from data_prep.beam.photos import BROKEN, MISTAKES, MakeMaps, find_photos, pair, refuse_empty_masks
from data_prep.beam.shards import (
    LEFT_OUT,
    OUTCOME,
    WriteShards,
    add_layout,
    image_stem,
    label_stem,
    publish_set,
    write_outcome,
)
from data_prep.methods.names import HELP, METHODS, entries_anywhere, parse_methods
from data_prep.methods.sources import check_sources
from data_prep.records.layout import PREPARED, SOURCE
from data_prep.records.shard_writer import remove_manifest
from data_prep.records.source import check_source
from data_prep.write_records import STORED_SIDE


@dataclass(frozen=True)
class BeamSource:
    """What is prepared.

    Attributes:
        images: pattern of the photos' files, as Beam's file systems match it.
        masks: pattern of the truth masks' files, or None.
        methods: entries of --methods, see `data_prep.methods.names.parse_methods`.
        max_side: larger photos, with their maps and masks, are stored at this longest side.
    """

    images: str
    masks: str | None
    methods: tuple[str, ...]
    max_side: int = STORED_SIDE


@dataclass(frozen=True)
class BeamSummary:
    """How many photos the records hold and how many were left out."""

    photos: int
    left_out: int


def prepare_on_beam(*, source: BeamSource, output: str, options: PipelineOptions) -> BeamSummary:
    """Makes a record set of all photos that match a pattern; a finished one is left alone.

    Args:
        source: the photos and how they are labelled.
        output: folder of the set, local or any that TensorFlow's file layer opens.
        options: Beam's, which name the runner.

    Raises:
        InputError: no usable photo, a mistake in photos or masks, records of another source, an
            output that cannot be written, or options that the runner refuses.
    """
    if source.max_side < 1:
        raise InputError(f"max_side: {source.max_side} is too small; give a size in pixels")
    source = replace(source, methods=entries_anywhere(source.methods))
    wanted = json.loads(json.dumps(asdict(source)))
    made = check_source(f"{output}/{SOURCE}", wanted)
    further = [entry for entry in source.methods if entry not in made]
    if made and further:
        raise InputError(
            f"{output}/{SOURCE}: records were made with methods={','.join(made)}, without "
            f"{','.join(further)}; choose another folder or delete this one"
        )
    if not tf.io.gfile.exists(f"{output}/{PREPARED}"):
        for pattern in filter(None, (source.images, source.masks)):
            _check_pattern(pattern)
        methods = parse_methods(source.methods)
        check_sources([method for method in methods if "://" not in method.source])
        stems = [image_stem(output), *(label_stem(output, method.name) for method in methods)]
        with clear_write_errors(output):
            for stem in stems:
                tf.io.gfile.makedirs(stem.rpartition("/")[0])
                remove_manifest(stem)
        write_text(f"{output}/{SOURCE}", json.dumps(wanted, indent=2) + "\n")
        _run(source, output, options)
    outcome = _read_outcome(f"{output}/{PREPARED}")
    return BeamSummary(outcome["photos"], outcome["left_out"])


def _check_pattern(pattern: str) -> None:
    """Finds a pattern that matches nothing before workers are started for it."""
    try:
        found = FileSystems.match([pattern], [1])[0].metadata_list
    except (ValueError, BeamIOError) as error:  # unknown to Beam, or not to be listed
        raise InputError(f"{pattern}: {' '.join(str(error).split())}") from error
    if not found:
        raise InputError(f"{pattern}: matches no file; give a pattern such as 'photos/*.jpg'")


def _run(source: BeamSource, output: str, options: PipelineOptions) -> None:
    """Runs the pipeline and, where it went well, marks the folder as finished."""
    try:
        pipeline = beam.Pipeline(options=options)
    except (ValueError, ImportError) as error:  # a runner or its options
        raise InputError(f"runner: {' '.join(str(error).split())}") from error
    add_stages(pipeline, source, output)
    try:
        state = pipeline.run().wait_until_finish()
    except (RuntimeError, BeamIOError) as error:  # of a stage; Beam has logged its traceback
        raise InputError(
            f"runner: a stage failed ({_reason(error)}); run the same command again to go on"
        ) from error
    if state != PipelineState.DONE:
        raise InputError(f"runner: ended as {state}; run the same command again to go on")
    outcome = _read_outcome(f"{output}/{OUTCOME}")
    if outcome["mistake"]:
        raise InputError(outcome["mistake"][0])
    if not outcome["photos"]:
        raise InputError(
            f"{source.images}: no photo could be used ({outcome['left_out']} are named in "
            f"{output}/{LEFT_OUT}); give a pattern that matches photos"
        )
    with clear_write_errors(f"{output}/{PREPARED}"):
        tf.io.gfile.rename(f"{output}/{OUTCOME}", f"{output}/{PREPARED}")


def _reason(error: Exception) -> str:
    """What a stage raised, in one line, without the tracebacks that runners put before it."""
    behind = re.split(r"^(?:Traceback| ).*$", str(error), flags=re.MULTILINE)[-1]
    return " ".join(behind.split())


def _read_outcome(path: str) -> dict:
    with tf.io.gfile.GFile(path, "rb") as file:
        return json.loads(file.read())


def add_stages(pipeline: beam.Pipeline, source: BeamSource, output: str) -> None:
    """Adds the whole preparation to a pipeline.

    Args:
        pipeline: a batch pipeline on any runner.
        source: what is prepared.
        output: address of the folder; its sub-folders of shards must be there. Manifests are
            written only where there was no mistake.
    """
    methods = parse_methods(source.methods)
    found = {"photos": find_photos(pipeline, "photos", source.images)}
    if source.masks:
        found["masks"] = find_photos(pipeline, "masks", source.masks)
    pairs = (
        {kind: files["named"] for kind, files in found.items()}
        | "by id" >> beam.CoGroupByKey()
        | "pair" >> beam.FlatMap(pair, source.masks).with_outputs(MISTAKES, main="pairs")
    )
    early = [files[MISTAKES] for files in found.values()] + [pairs[MISTAKES]]
    if source.masks:
        early += refuse_empty_masks(pairs["pairs"], source.masks)
    mapped = (
        pairs["pairs"]
        | "spread photos" >> beam.Reshuffle()
        | "if all are paired" >> _if_none(early, "while pairing")
        | "make maps"
        >> beam.ParDo(MakeMaps(methods, output)).with_outputs(MISTAKES, BROKEN, main="photos")
    )
    layout, groups = add_layout(mapped["photos"])
    write_shards = WriteShards([method.name for method in methods], source.max_side, output)
    shards = groups | "write shards" >> beam.ParDo(write_shards, AsSingleton(layout)).with_outputs(
        MISTAKES, main="contents"
    )
    mistakes = [*early, mapped[MISTAKES], shards[MISTAKES]]
    sets = (
        shards["contents"]
        | "by set" >> beam.GroupByKey()
        | "if all went well" >> _if_none(mistakes, "before the manifests")
        | "publish" >> beam.FlatMapTuple(publish_set).with_outputs(MISTAKES, main="published")
    )
    first_mistake = AsSingleton(_first([*mistakes, sets[MISTAKES]], "in all"))
    _ = (
        mapped[BROKEN]
        | "list left out" >> beam.combiners.ToList()
        | "outcome" >> beam.Map(write_outcome, AsSingleton(layout), first_mistake, output)
    )


def _if_none(mistakes: Sequence[beam.PCollection], when: str) -> beam.PTransform:
    """Lets all elements pass where there are no mistakes, else none; waits until that is known."""
    return beam.Filter(lambda _, first: not first, AsSingleton(_first(mistakes, when)))


def _first(mistakes: Sequence[beam.PCollection], when: str) -> beam.PCollection:
    """A list of the first mistake in alphabetical order, or an empty one."""
    together = mistakes | f"mistakes {when}" >> beam.Flatten()
    return together | f"first {when}" >> beam.combiners.Top.Smallest(1)


def define_flags() -> None:
    """Defines the flags that are not Beam's own."""
    flags.DEFINE_string("images", None, "Pattern of the photos' files.", required=True)
    flags.DEFINE_string("masks", None, "Pattern of the truth masks' files, to score with.")
    flags.DEFINE_string("output", None, "Folder of the record set.", required=True)
    flags.DEFINE_list("methods", list(METHODS.names), HELP)
    flags.DEFINE_integer("max_side", STORED_SIDE, "Longest stored side in pixels.", lower_bound=1)


def _beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Reads Beam's flags; only a job server may know of flags that Beam does not.

    Raises:
        InputError: a flag that nobody knows, or a word that is neither a flag nor a flag's value.
    """
    options = PipelineOptions(arguments)
    unknown = []
    options.get_all_options(
        add_extra_args_fn=lambda parser: unknown.extend(parser.parse_known_args(arguments)[1]),
        retain_unknown_options=True,  # or Beam itself would warn of them
    )
    for before, argument in itertools.pairwise(["", *unknown]):
        if argument.startswith("-"):
            if not options.view_as(PortableOptions).job_endpoint:
                name = argument.partition("=")[0]
                raise InputError(f"{name}: is a flag neither of this command nor of Beam")
        elif not before.startswith("--") or "=" in before:
            raise InputError(
                f"{argument}: is no flag; a pattern needs quotes, as in --images='photos/*.jpg'"
            )
    return options


def _absolute(address: str) -> str:
    """A local address as all workers of this machine understand it, others as they are."""
    return address if FileSystems.get_scheme(address) else str(Path(address).absolute())


def main(argv: Sequence[str]) -> None:
    """Prepares records as the flags say, those of this command and Beam's."""
    values = flags.FLAGS
    source = BeamSource(
        images=_absolute(values.images),
        masks=_absolute(values.masks) if values.masks else None,
        methods=tuple(values.methods),
        max_side=values.max_side,
    )
    output, options = _absolute(values.output).rstrip("/"), _beam_options(argv[1:])
    try:
        summary = prepare_on_beam(source=source, output=output, options=options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "stopped; the same command goes on from the maps that are there"
        ) from None
    print(f"{summary.photos} photos written to {values.output}, {summary.left_out} left out")


if __name__ == "__main__":
    define_flags()
    start(main, known_only=True)
