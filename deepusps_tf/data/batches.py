"""From shards to batches.

A batch is {"id": string [B], "index": int32 [B], "image": float32 [B, S, S, 3] in 0..255,
"labels": float32 [B, S, S, M] in [0, 1]} and, to score, "mask": float32 [B, S, S, 1], 0 or 1.
`index` is the photo's place in record order, the key of its moving average.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from data_prep.base.processes import cores
from data_prep.records.format import IMAGE_FEATURES, UNTUNED, RecordSet
from data_prep.records.random_reading import record_reader
from deepusps_tf.data.augmentation import (
    UNCHANGED,
    WHOLE,
    PhotoChanges,
    change_colours,
    draw_part,
    inside_ring,
    show_part,
)
from deepusps_tf.data.decoding import decode_labels, decode_mask, decode_photo, fit_square

# What is mapped here is written in TensorFlow's own operations. AutoGraph would spend seconds on
# looking for others.
_as_written = tf.autograph.experimental.do_not_convert

_LABEL_BATCH = 16
_READS = 16  # at once; most of the time of a read over a network is waiting
_BATCHES_AHEAD = 2  # prepared while the network works on another
DUPLICATE = -1  # index of a photo that only fills an epoch up to whole batches


@_as_written
def training_batches(
    *,
    images: RecordSet,
    labels: Sequence[RecordSet],
    size: int,
    batch_size: int,
    seed: int,
    first_epoch: int,
    epochs: int,
    changes: PhotoChanges = UNCHANGED,
    worker: int = 0,
    workers: int = 1,
) -> tf.data.Dataset:
    """Streams epochs `first_epoch`..`epochs`-1 of training batches, each a permutation of its own.

    Order and what is changed of photos are functions of (seed, epoch) alone, so a resumed run sees
    what it would have seen. Each of several workers reads and decodes its own photos: the batches
    of all workers together are those of one. An epoch is filled up to whole batches with repeated
    photos of index `DUPLICATE`, so that no replica is ever left without one. Ids and masks are left
    out: `fit` cannot carry strings, and truth must not reach training.

    Args:
        images: the photos.
        labels: one label version a method, all of the same ids as `images`.
        size: side of the square the network sees, in pixels.
        batch_size: photos a step over all devices; must divide by `workers`.
        seed: any integer.
        first_epoch: 0, or the first epoch not yet done.
        epochs: the epoch to stop before.
        changes: what is changed of photos and their labels.
        worker: which of the workers this is, from 0.
        workers: how many share every batch.

    Returns:
        Dataset of ({"index", "image", "mirrored"}, labels), `steps_per_epoch` batches an epoch of
        B = batch_size / workers photos; "mirrored", int32 [B], is 1 for photos that are, so that
        their predictions can be turned back (no bool: replicas cannot gather them). With
        `changes.ring`, "counted", float32 [B, S, S, 1], is 1 where labels count, else 0.
    """
    read = _record_reader(images, labels)
    count = len(images.ids)
    padding = steps_per_epoch(count, batch_size) * batch_size - count

    def one_epoch(epoch):
        order = seed * 1_000_003 + epoch
        places = tf.data.Dataset.from_tensor_slices(epoch_order(count, padding, order, epoch))
        return places.enumerate().shard(workers, worker).map(lambda *own: (order, own[0], *own[1]))

    def to_record(order, place, index, record):
        return order, place, (index, *read(record))

    def to_pair(order, place, record):
        return _training_pair(tf.stack([order, place]), record, size, changes)

    stream = tf.data.Dataset.range(first_epoch, epochs).flat_map(one_epoch)
    encoded = stream.map(to_record, num_parallel_calls=_READS)
    pairs = encoded.map(to_pair, num_parallel_calls=cores())
    batches = pairs.batch(batch_size // workers, drop_remainder=True)
    return batches.prefetch(_BATCHES_AHEAD).with_options(UNTUNED)


def photo_batches(
    *, images: RecordSet, labels: Sequence[RecordSet], size: int, batch_size: int
) -> tf.data.Dataset:
    """Batches every record once, in record order, with ids and without truth."""

    def to_example(index, image_record, label_records):
        return _decode(index, image_record, label_records, size)

    return _in_record_order(images, labels, to_example, batch_size)


def scoring_batches(
    *, images: RecordSet, labels: Sequence[RecordSet] = (), size: int, batch_size: int
) -> tf.data.Dataset:
    """Batches every record once, in record order, with ids and (all 0 where absent) masks."""

    def to_example(index, image_record, label_records):
        example = _decode(index, image_record, label_records, size)
        record = tf.io.parse_single_example(image_record, IMAGE_FEATURES)
        return {**example, "mask": decode_mask(record["mask"], size)}

    return _in_record_order(images, labels, to_example, batch_size)


@_as_written
def chosen_photos(
    *, images: RecordSet, labels: Sequence[RecordSet], places: Sequence[int], size: int
) -> dict[str, np.ndarray]:
    """Decodes the records at some places of a set, in one batch without truth.

    Args:
        images: the photos.
        labels: label sets of the same ids.
        places: in record order, at least one.
        size: S.
    """
    read = _record_reader(images, labels)

    def to_example(place):
        return _decode(tf.cast(place, tf.int32), *read(place), size)

    chosen = tf.data.Dataset.from_tensor_slices(tf.constant(places, tf.int64))
    batch = chosen.map(to_example).batch(len(places)).with_options(UNTUNED)
    return next(batch.as_numpy_iterator())


def label_mask_batches(
    *, images: RecordSet, labels: Sequence[RecordSet], size: int
) -> tf.data.Dataset:
    """Batches labels and masks in record order, without decoding a photo.

    Returns:
        Dataset of (labels float32 [B, S, S, M], masks float32 [B, S, S, 1], 0 where absent).
    """

    def to_pair(_, image_record, label_records):
        record = tf.io.parse_single_example(image_record, {"mask": IMAGE_FEATURES["mask"]})
        return decode_labels(label_records, size), decode_mask(record["mask"], size)

    return _in_record_order(images, labels, to_pair, _LABEL_BATCH)


def mirror_where(mirrored: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
    """Mirrors maps [..., H, W, C] left to right where `mirrored` [...] is 1; its own inverse."""
    return tf.where(mirrored[..., None, None, None] == 1, tf.reverse(maps, [-2]), maps)


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Batches that hold `count` photos, the last one filled up."""
    return -(-count // batch_size)


@_as_written
def _in_record_order(
    images: RecordSet, labels: Sequence[RecordSet], decode: Callable, batch_size: int
) -> tf.data.Dataset:
    """Batches what `decode` makes of (index, image record, label records), every record once."""
    examples = _encoded_records(images, labels).map(decode, num_parallel_calls=cores())
    return examples.batch(batch_size).prefetch(_BATCHES_AHEAD).with_options(UNTUNED)


def _encoded_records(images: RecordSet, labels: Sequence[RecordSet]) -> tf.data.Dataset:
    """Pairs (index, image record, label records [M]); `open_labels` checked that ids agree."""
    streams = tuple(tf.data.TFRecordDataset(part.shards) for part in (images, *labels))

    def flatten(index, records):
        return tf.cast(index, tf.int32), records[0], tf.stack(records[1:]) if labels else ()

    return tf.data.Dataset.zip(streams).enumerate().map(flatten)


def _record_reader(images: RecordSet, labels: Sequence[RecordSet]) -> Callable:
    """Makes a function: place in record order -> image record, label records [M]."""
    of_images, of_labels = record_reader(images), [record_reader(part) for part in labels]

    def read(place):
        records = [of_label(place) for of_label in of_labels]
        return of_images(place), tf.stack(records) if records else ()

    return read


def epoch_order(count: int, padding: int, order, epoch) -> tuple[tf.Tensor, tf.Tensor]:
    """Permutes an epoch's places, of `count` photos and `padding` duplicates, others each epoch.

    Returns:
        The index of each place, int32 [count + padding], and its place in record order, int64.
    """
    shuffled = tf.random.experimental.stateless_shuffle(
        tf.range(count + padding, dtype=tf.int64),
        seed=[order, -1],  # `_training_pair` draws by places, which begin at 0
        alg="philox",
    )
    again = (epoch * padding + shuffled - count) % count
    first = shuffled < count
    index = tf.where(first, shuffled, DUPLICATE)
    return tf.cast(index, tf.int32), tf.where(first, shuffled, again)


def _training_pair(seed: tf.Tensor, record, size: int, changes: PhotoChanges):
    """Decodes the record at a place of an epoch; that place, the seed, decides what is changed."""
    example = _decode(*record, size, seed, changes.crops)
    image, labels = example["image"], example["labels"]
    if changes.colours:
        image = change_colours(seed, image, changes.colours)
    mirrored = tf.constant(0)
    if changes.mirror:
        mirrored = tf.random.stateless_uniform([], seed, 0, 2, tf.int32)
        image, labels = mirror_where(mirrored, image), mirror_where(mirrored, labels)
    inputs = {"index": example["index"], "image": image, "mirrored": mirrored}
    if changes.ring:
        part = example.get("part", tf.constant(WHOLE))
        counted = inside_ring(part, size, changes.ring)
        inputs["counted"] = mirror_where(mirrored, counted)
    return inputs, labels


def _decode(
    index, image_record, label_records, size: int, seed=None, crops: float = 0.0
) -> dict[str, tf.Tensor]:
    """Decodes one photo with its labels, not its truth, at `size`: photos cubic, labels nearest.

    With `crops`, that share of photos is decoded in part, as the seed decides, and "part" is there.
    """
    record = tf.io.parse_single_example(image_record, IMAGE_FEATURES)
    photo, example = decode_photo(record["image"]), {"id": record["id"], "index": index}
    if isinstance(label_records, tf.Tensor):
        labels = decode_labels(label_records, size)
        if crops:
            part = draw_part(seed, labels, crops)
            photo, labels = show_part(photo, part), decode_labels(label_records, size, part)
            example["part"] = part
        example["labels"] = labels
    return {**example, "image": fit_square(photo, size)}
