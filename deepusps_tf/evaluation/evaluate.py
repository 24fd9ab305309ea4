"""What `--mode=evaluate` scores: a run, an exported model, or maps made elsewhere."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from data_prep.base.counting import counted
from data_prep.base.errors import InputError
from data_prep.base.places import place
from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import steps_per_epoch
from deepusps_tf.data.photo_sets import open_photos, trained_on
from deepusps_tf.evaluation.folders import (
    map_outputs,
    map_pairs,
    pair_records,
    photo_outputs,
    photo_pairs,
)
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.labels.crf_pool import CrfPool, crf_of_settings, start_crf
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.runs.chosen import training_records
from deepusps_tf.runs.round_result import load_fusion
from deepusps_tf.runs.workdir import saved_run
from deepusps_tf.scoring.figures import OWN_SIZE, Evaluation, Figures, network_size
from deepusps_tf.scoring.outputs import score_outputs
from deepusps_tf.scoring.scores import network_outputs
from deepusps_tf.scoring.store import refuse_mixture
from deepusps_tf.serving.model_facts import ModelFacts
from deepusps_tf.serving.refinement import crf_by_flags, start_pool
from deepusps_tf.serving.saliency_model import SaliencyModel, wrap_network
from deepusps_tf.serving.starter import STARTER, open_chosen
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.places import RUN_FLAGFILE, runs_in


def evaluations(config: Config) -> Iterator[tuple[Path, list[Figures]]]:
    """Scores what the flags of `--mode=evaluate` name.

    Yields:
        The folder that keeps the figures, and the figures: of maps, of an exported model, or of a
        run and of each of its repeats.

    Raises:
        InputError: as the functions below, and where the figures of repeats would go to one folder,
            or one test set's beside those of something else.
    """
    if config.maps:
        yield Path(config.output), evaluate_maps(config)
        return
    if config.model or not config.workdir:
        yield Path(config.output), evaluate_model(config)
        return
    runs = runs_in(Path(config.workdir))
    if config.output and len(runs) > 1:
        raise InputError(
            f"{config.workdir}: holds {len(runs)} runs, which keep their own figures; "
            "leave --output out"
        )
    for run in runs:
        figures = evaluate_run(dataclasses.replace(config, workdir=str(run)))
        yield Path(config.output or run), figures


def evaluate_maps(config: Config) -> list[Figures]:
    """Scores the maps in `--maps` by `--masks`, at their own size.

    Raises:
        InputError: as `map_pairs` and `map_outputs`.
    """
    subject = _checked_subject(config, f"maps {place(config.maps)}", f"by {place(config.masks)}")
    pairs = map_pairs(Path(config.maps), Path(config.masks))
    return score_outputs(map_outputs(pairs), subject)


def evaluate_model(config: Config) -> list[Figures]:
    """Scores the exported `--model`, or the starter model, on labelled photos at their own sizes.

    Also after its own CRF, or the one that flags choose.

    Raises:
        InputError: as `photo_pairs` and `photo_outputs`, and where there is no such model.
    """
    model = open_chosen(config.model or None)
    oracle = _oracle_behind(Path(config.model or STARTER), model.facts)
    source = f"model {place(config.model)}" if config.model else model.name
    crf = crf_by_flags(config, model.facts, model.name)
    subject = _checked_subject(
        config, source, _photos_in_words(config), oracle=oracle, crf=_crf_in_words(crf)
    )
    with start_pool(crf, config.crf_processes) as pool:
        return _score_photos(config, model, pool, subject, queue=config.batch_size)


def evaluate_run(config: Config) -> list[Figures]:
    """Scores the fused network of `--workdir`.

    On labelled photos where folders of them are given, at each photo's own size or, as the paper
    does, at the network's. Else on the test photos of its records, or of `--records`, at the
    network's size; where those hold no test photos with masks, on the training photos with masks.
    The names of test sets say where the run was trained on their photos.

    Raises:
        InputError: where the run is not finished, no photo has a mask, or as `evaluate_model`.
    """
    saved = saved_run(config)
    own = read_flagfile(Path(config.workdir) / RUN_FLAGFILE)
    own = training_records(dataclasses.replace(own, workdir=config.workdir))
    saved = dataclasses.replace(saved, crf=saved.crf and config.crf)
    # A run that keeps its own figures may be moved.
    here = place(config.workdir)
    run = "this run" if place(config.output or here) == here else f"run {here}"
    behind = {"oracle": saved.oracle, "crf": _crf_in_words(crf_of_settings(saved))}
    folder, _ = config.labelled
    if folder:
        trained = bool(saved.images) and place(folder) == place(saved.images)
        at_network = config.resolution == "network"
        subject = _checked_subject(
            config,
            run,
            _photos_in_words(config),
            trained=trained,
            resolution=network_size(saved.size) if at_network else OWN_SIZE,
            **behind,
        )
        if not at_network:
            model = wrap_network(load_fusion(saved), saved.size)
            with start_crf(saved, one_pass=True) as pool:
                return _score_photos(config, model, pool, subject, queue=saved.batch_size)
        with pair_records(
            photo_pairs(*map(Path, config.labelled), recursive=config.walks), saved.max_side
        ) as images:
            return _score_records(images, saved, subject)
    split, images = open_photos(saved.records).judged()
    if images is None:
        raise InputError(f"{saved.records}: no photos with masks to score on")
    subject = _checked_subject(
        config,
        run,
        f"on {place(saved.records)}/{split}",
        test_set=Path(saved.records).name,
        trained=split == "train" and trained_on(own, images) != frozenset(),
        resolution=network_size(saved.size),
        **behind,
    )
    return _score_records(images, saved, subject)


def _score_records(images: RecordSet, run: Config, subject: Evaluation) -> list[Figures]:
    """Scores a run on records, at its network's size."""
    with start_crf(run, one_pass=True) as pool:
        outputs = network_outputs(
            network=inference_twin(load_fusion(run)),
            images=images,
            size=run.size,
            batch_size=run.batch_size,
            pool=pool,
        )
        steps = steps_per_epoch(len(images.ids), run.batch_size)
        shown = counted(outputs, "scores", total=steps, unit="step")
        return score_outputs(shown, subject)


def _score_photos(
    config: Config, model: SaliencyModel, pool: CrfPool | None, subject: Evaluation, *, queue: int
) -> list[Figures]:
    """Scores on the photos that `config` names, and after the CRF of a pool."""
    pairs = photo_pairs(*map(Path, config.labelled), recursive=config.walks)
    outputs = photo_outputs(pairs, model=model, pool=pool, queue=queue)
    return score_outputs(outputs, subject)


def _checked_subject(
    config: Config,
    source: str,
    photos: str,
    *,
    test_set: str = "",
    trained: bool = False,
    resolution: str = OWN_SIZE,
    oracle: str = "",
    crf: str = "",
) -> Evaluation:
    """Says what is scored, once it is sure that its figures can be kept.

    Args:
        config: names the test set, or lets `test_set` or the folder that holds the masks do so.
        source: whose figures they are.
        photos: what they are scored on.
        test_set: its name where none is given.
        trained: whether a run was trained on these photos.
        resolution: as in `Evaluation`.
        oracle: as in `Evaluation`.
        crf: as in `Evaluation`.

    Raises:
        InputError: where the folder that is to keep the figures has the like of something else.
    """
    name = config.test_set or test_set or Path(config.labelled[1]).resolve().parent.name
    subject = Evaluation(
        test_set=f"{name} (training photos)" if trained else name,
        resolution=resolution,
        scored=f"{source} {photos}",
        oracle=oracle,
        crf=crf,
    )
    refuse_mixture(Path(config.output or config.workdir), subject)
    return subject


def _oracle_behind(model: Path, facts: ModelFacts | None) -> str:
    """The `--oracle` behind an export, as it says or the run in whose workdir it lies; else ""."""
    if facts is not None and facts.oracle:
        return facts.oracle
    for folder in model.resolve().parents[:2]:  # of `export` or of `export/1`
        if (folder / RUN_FLAGFILE).is_file():
            return read_flagfile(folder / RUN_FLAGFILE).oracle
    return ""


def _crf_in_words(crf: CrfSettings | None) -> str:
    """A CRF in words; empty without one."""
    return "" if crf is None else f"{crf.iterations} iterations, reach {crf.bilateral_sxy:g}"


def _photos_in_words(config: Config) -> str:
    images, masks = config.labelled
    return f"on {place(images)} by {place(masks)}"
