"""The last stages on Apache Beam: mapped photos -> shards in hash order -> manifests, outcome."""

import bisect
import hashlib
import itertools
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import tensorflow as tf
from apache_beam.pvalue import AsSingleton

from data_prep.base.files import write_text
from data_prep.beam.files import Localise, local_files
from data_prep.beam.photos import PhotoFiles, map_address, or_mistake
from data_prep.pictures.photos import Photo
from data_prep.records.format import ImageRecord, LabelRecord, order_ids, shard_paths, shard_sizes
from data_prep.records.shard_writer import ShardContent, write_manifest, write_shard
from data_prep.write_records import image_record, label_record

LEFT_OUT = "left_out.txt"  # the photos that cannot be used, a line each
OUTCOME = "outcome.json"  # how many photos were stored and left out, and the first mistake
_PREFIX = 4  # hexadecimal digits: 65,536 groups of photos, small ones even of millions


@dataclass(frozen=True)
class Layout:
    """Where each photo goes, in the order of their ids' hashes.

    Attributes:
        starts: rank of the first photo of each prefix of hashes.
        ends: rank behind the last photo of each shard.
    """

    starts: dict[str, int]
    ends: tuple[int, ...]

    @classmethod
    def from_counts(cls, counts: dict[str, int]) -> "Layout":
        """Lays out so many photos of each prefix."""
        prefixes = sorted(counts)
        ranks = itertools.accumulate((counts[prefix] for prefix in prefixes), initial=0)
        ends = itertools.accumulate(shard_sizes(sum(counts.values())))
        return cls(dict(zip(prefixes, ranks, strict=False)), tuple(ends))

    @property
    def count(self) -> int:
        """Photos in all shards."""
        return self.ends[-1]

    def shard(self, rank: int) -> int:
        """The shard of the photo of this rank."""
        return bisect.bisect_right(self.ends, rank)


def label_stem(output: str, method: str) -> str:
    """The stem of a method's labels below the output folder."""
    return f"{output}/labels/{method}/round0"


def image_stem(output: str) -> str:
    """The stem of the image set below the output folder."""
    return f"{output}/images"


def add_layout(photos: beam.PCollection):
    """Ranks photos without any worker seeing all: the layout, and (shard, its photos)."""
    keyed = photos | "by prefix" >> beam.WithKeys(_prefix)
    layout = (
        keyed
        | "count prefixes" >> beam.combiners.Count.PerKey()
        | "all counts" >> beam.combiners.ToDict()
        | "layout" >> beam.Map(Layout.from_counts)
    )
    shards = (
        keyed
        | "group prefixes" >> beam.GroupByKey()
        | "rank" >> beam.FlatMap(_by_shard, AsSingleton(layout))
        | "group shards" >> beam.GroupByKey()
    )
    return layout, shards


def _prefix(files: PhotoFiles) -> str:
    return hashlib.sha256(files.id.encode()).hexdigest()[:_PREFIX]


def _by_shard(
    group: tuple[str, Iterable[PhotoFiles]], layout: Layout
) -> Iterator[tuple[int, PhotoFiles]]:
    prefix, photos = group
    for rank, files in enumerate(_in_order(photos), layout.starts[prefix]):
        yield layout.shard(rank), files


def _in_order(photos: Iterable[PhotoFiles]) -> list[PhotoFiles]:
    by_id = {files.id: files for files in photos}
    return [by_id[name] for name in order_ids(by_id)]


class WriteShards(beam.DoFn):
    """Writes the image shard and the label shards of a group: (stem, (shard, its content))."""

    def __init__(self, methods: Sequence[str], max_side: int, output: str):
        self.methods = methods
        self.max_side = max_side
        self.output = output

    @or_mistake
    def process(
        self, group: tuple[int, Iterable[PhotoFiles]], layout: Layout
    ) -> Iterator[tuple[str, tuple[int, ShardContent]]]:
        """Writes under names of its own and renames, so that a second attempt does no harm."""
        shard, photos = group[0], _in_order(group[1])
        with local_files() as local:
            sets = {image_stem(self.output): self._images(photos, local)}
            for method in self.methods:
                sets[label_stem(self.output, method)] = self._labels(method, photos, local)
            for stem, records in sets.items():
                path = shard_paths(stem, len(layout.ends))[shard]
                content = write_shard(path, records, attempt=f".{uuid.uuid4().hex}")
                yield stem, (shard, content)

    def _images(self, photos: list[PhotoFiles], local: Localise) -> Iterator[ImageRecord]:
        for files in photos:
            mask = local(files.mask) if files.mask else None
            yield image_record(Photo(files.id, local(files.photo)), mask, self.max_side)

    def _labels(
        self, method: str, photos: list[PhotoFiles], local: Localise
    ) -> Iterator[LabelRecord]:
        for files in photos:
            saliency = local(map_address(self.output, method, files.id), tf.io.gfile.copy)
            yield label_record(Photo(files.id, local(files.photo)), saliency, self.max_side)


@or_mistake
def publish_set(stem: str, contents: Iterable[tuple[int, ShardContent]]) -> Iterator[str]:
    """Writes the manifest of a set from what its shards hold, in any order; gives its stem."""
    by_shard = dict(contents)
    write_manifest(stem, [by_shard[shard] for shard in sorted(by_shard)])
    yield stem


def write_outcome(left_out: list[str], layout: Layout, mistake: list[str], output: str) -> None:
    """Writes `LEFT_OUT` and `OUTCOME`, for the command that waits and for the user."""
    write_text(f"{output}/{LEFT_OUT}", "".join(f"{line}\n" for line in sorted(left_out)))
    outcome = {"photos": layout.count, "left_out": len(left_out), "mistake": mistake}
    write_text(f"{output}/{OUTCOME}", json.dumps(outcome) + "\n")
