"""Writes records to shards and publishes them: the manifest comes last."""

import contextlib
import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.base.files import clear_write_errors, write_text
from data_prep.records.format import (
    FORMAT_VERSION,
    ImageRecord,
    LabelRecord,
    Manifest,
    hash_ids,
    manifest_path,
    shard_paths,
    shard_sizes,
)


@dataclasses.dataclass(frozen=True)
class ShardContent:
    """What was written to one shard: ids in order, records with a mask, and labels' means."""

    ids: tuple[str, ...]
    masked: int
    means: tuple[float, ...]


def write_shards(
    *,
    stem: str,
    records: Iterable[ImageRecord | LabelRecord],
    count: int,
) -> Manifest:
    """Writes records to shards under temporary names, renames them, then writes the manifest.

    Args:
        stem: path without the shard suffix; local or any that TensorFlow's file layer opens.
        records: the records in id order; read once, one in memory at a time.
        count: how many records there are.

    Returns:
        The manifest that was written.

    Raises:
        InputError: if `records` does not hold `count` records.
    """
    sizes = shard_sizes(count)
    tf.io.gfile.makedirs(_parent(stem))
    remove_manifest(stem)
    source = iter(records)
    contents = [
        write_shard(path, itertools.islice(source, size))
        for path, size in zip(shard_paths(stem, len(sizes)), sizes, strict=True)
    ]
    written = sum(len(content.ids) for content in contents)
    if written != count or next(source, None) is not None:
        raise InputError(f"{stem}: expected {count} records, got {written} or more")
    return write_manifest(stem, contents)


def write_shard(
    path: str, records: Iterable[ImageRecord | LabelRecord], *, attempt: str = ""
) -> ShardContent:
    """Writes one shard under a temporary name and renames it; its folder must be there.

    Args:
        path: as of `shard_paths`.
        records: the shard's records in id order; read once, one in memory at a time.
        attempt: tells the temporary name from those of other processes that write this shard.

    Raises:
        InputError: if it cannot be written. What drawing `records` raises passes as it is.
    """
    partial = f"{path}{attempt}.tmp"
    ids, masked, means = [], 0, []
    with _gone_unless_whole(partial):
        with _record_file(partial, path) as write:
            for record in records:
                write(record.encode())
                ids.append(record.id)
                if isinstance(record, LabelRecord):
                    means.append(record.mean)
                elif record.mask is not None:
                    masked += 1
        with clear_write_errors(path):
            tf.io.gfile.rename(partial, path, overwrite=True)
    return ShardContent(tuple(ids), masked, tuple(means))


@contextlib.contextmanager
def _record_file(partial: str, path: str) -> Iterator[Callable[[bytes], None]]:
    """Gives a function that writes a record; only writing, not the block, speaks of `path`."""
    with clear_write_errors(path):
        writer = tf.io.TFRecordWriter(partial)

    def write(record: bytes) -> None:
        with clear_write_errors(path):
            writer.write(record)

    try:
        yield write
    finally:
        with clear_write_errors(path):
            writer.close()


@contextlib.contextmanager
def _gone_unless_whole(path: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)
        raise


def write_manifest(stem: str, contents: Sequence[ShardContent]) -> Manifest:
    """Writes the manifest of shards that are all there, given what each holds, in order."""
    ids = [photo_id for content in contents for photo_id in content.ids]
    means = [mean for content in contents for mean in content.means]
    manifest = Manifest(
        count=len(ids),
        ids_sha256=hash_ids(ids),
        shard_counts=tuple(len(content.ids) for content in contents),
        has_masks=sum(content.masked for content in contents) == len(ids),
        mean_saliency=math.fsum(means) / len(ids) if means else None,
    )
    write_text(manifest_path(stem), _manifest_text(manifest))
    return manifest


def remove_manifest(stem: str) -> None:
    """Takes the mark of a finished set away, before its shards change."""
    if tf.io.gfile.exists(manifest_path(stem)):
        tf.io.gfile.remove(manifest_path(stem))


def _manifest_text(manifest: Manifest) -> str:
    return json.dumps({"format": FORMAT_VERSION, **dataclasses.asdict(manifest)}, indent=2) + "\n"


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "."
