"""Records read at any place of their set, so that photos can come in any order."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.records.format import RecordSet, open_set


def record_reader(records: RecordSet) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function, for graphs, that reads one record of a set.

    It reads the bytes of the record alone, at once, and checks their CRC; 8 bytes a record are
    kept in memory.

    Args:
        records: the set.

    Returns:
        A place in record order, int64 scalar -> the record, string scalar. When run, it raises
        tf.errors.OpError where a shard was damaged after it was opened: see `damaged_shard_named`.
    """
    firsts = np.cumsum([0, *records.manifest.shard_counts])
    shards, bounds = tf.constant(records.shards), tf.constant(records.bounds)
    behind, begins = tf.constant(firsts[1:]), tf.constant(records.bounds[firsts[:-1]])

    def read(place: tf.Tensor) -> tf.Tensor:
        shard = tf.searchsorted(behind, place[None], side="right")
        start, end = bounds[place], bounds[place + 1]
        found = tf.raw_ops.TFRecordDatasetV2(  # the public one begins at a file's start
            filenames=tf.gather(shards, shard),
            compression_type="",
            buffer_size=end - start,
            byte_offsets=start - tf.gather(begins, shard),
        )
        dataset = tf.data.experimental.from_variant(found, tf.TensorSpec([], tf.string))
        return dataset.take(1).get_single_element()

    return read


@contextlib.contextmanager
def damaged_shard_named(sets: Iterable[RecordSet]) -> Iterator[None]:
    """Checks sets whole once more where reading them at places fails inside.

    Raises:
        InputError: naming the shard that was damaged, or the set that was written anew, since they
            were opened.
    """
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError):
        for records in sets:
            now = open_set(records.stem)
            if now != records or not np.array_equal(now.bounds, records.bounds):
                raise InputError(
                    f"{records.stem}: its shards were written anew while they were read; run the "
                    "same command again"
                ) from None
        raise
