"""TFRecord shards: what a record holds, how a set of shards is named and opened.

An image set is a stem (`train/images`) of image shards; a label version is one
(`train/labels/rbd/round0`) of label shards with the same ids in the same order. A manifest beside
the shards is written last: shards without one do not count as written.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError, damage_named
from data_prep.pictures.images import encode_png

FORMAT_VERSION = 1
RECORDS_PER_SHARD = 2000  # 100 to 200 MB of photos at the usual 400x300 to 1024x768

_FRAME = 16  # bytes of a record beside its own: its length (8) and two checksums (4 each)

# How every dataset here is read. TensorFlow's autotuning thread may oversleep the end of a dataset
# by as long as it was read, up to a minute, in which nothing happens.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False


@dataclasses.dataclass(frozen=True)
class ImageRecord:
    """One photo: its id, encoded JPEG or PNG bytes, size in pixels and, to score, a PNG mask."""

    id: str
    image: bytes
    height: int
    width: int
    mask: bytes | None = None

    def encode(self) -> bytes:
        """Serialises the record as a tf.Example."""
        features = {
            "id": _bytes(self.id.encode()),
            "image": _bytes(self.image),
            "height": _int64(self.height),
            "width": _int64(self.width),
        }
        if self.mask is not None:
            features["mask"] = _bytes(self.mask)
        return _example(features)


@dataclasses.dataclass(frozen=True)
class LabelRecord:
    """One label: its photo's id, an 8-bit grey PNG and the mean of its pixels in [0, 1]."""

    id: str
    label: bytes
    mean: float

    @classmethod
    def from_map(cls, photo_id: str, saliency: np.ndarray) -> "LabelRecord":
        """Encodes a uint8 [H, W] map as the label of a photo."""
        return cls(photo_id, encode_png(saliency), float(saliency.mean()) / 255)

    def encode(self) -> bytes:
        """Serialises the record as a tf.Example."""
        return _example({"id": _bytes(self.id.encode()), "label": _bytes(self.label)})


IMAGE_FEATURES = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "image": tf.io.FixedLenFeature([], tf.string),
    "height": tf.io.FixedLenFeature([], tf.int64),
    "width": tf.io.FixedLenFeature([], tf.int64),
    "mask": tf.io.FixedLenFeature([], tf.string, default_value=b""),
}
LABEL_FEATURES = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.string),
}


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a finished set of shards holds.

    Attributes:
        count: records in all shards.
        ids_sha256: hash of the ids in order, one a line.
        shard_counts: records of each shard.
        has_masks: image sets only: every record carries a truth mask.
        mean_saliency: label versions only: mean over photos of the mean pixel, in [0, 1].
    """

    count: int
    ids_sha256: str
    shard_counts: tuple[int, ...]
    has_masks: bool
    mean_saliency: float | None


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """An opened, checked set of shards.

    Attributes:
        stem: of their paths.
        manifest: what they hold.
        ids: in record order.
        bounds: int64 [N + 1], the byte at which each record begins, and the last one ends, if all
            shards lay behind one another; not compared.
    """

    stem: str
    manifest: Manifest
    ids: tuple[str, ...]
    bounds: np.ndarray = dataclasses.field(compare=False, repr=False)

    @property
    def shards(self) -> list[str]:
        """Paths of the shards, in order."""
        return shard_paths(self.stem, len(self.manifest.shard_counts))


def order_ids(ids: Iterable[str]) -> list[str]:
    """Sorts ids by their SHA-256: a fixed shuffle that any machine computes alone."""
    return sorted(ids, key=lambda photo_id: hashlib.sha256(photo_id.encode()).hexdigest())


def hash_ids(ids: Iterable[str]) -> str:
    """Hashes ids in the order given."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def shard_paths(stem: str, shards: int) -> list[str]:
    """Names the shards of a stem: `<stem>-00000-of-00008.tfrecord` and so on."""
    return [f"{stem}-{shard:05d}-of-{shards:05d}.tfrecord" for shard in range(shards)]


def manifest_path(stem: str) -> str:
    """Names the manifest of a stem."""
    return f"{stem}.manifest.json"


def shard_sizes(count: int) -> list[int]:
    """Splits `count` records evenly into as few shards as `RECORDS_PER_SHARD` allows."""
    shards = max(1, -(-count // RECORDS_PER_SHARD))
    return [count // shards + (shard < count % shards) for shard in range(shards)]


def open_set(stem: str) -> RecordSet:
    """Opens a finished set of shards and checks it whole: counts, CRCs and the ids' hash.

    Raises:
        InputError: naming the shard that is missing, damaged or short, or the absent manifest.
    """
    manifest = read_manifest(stem)
    ids, sizes = [], [np.zeros(1, np.int64)]
    paths = shard_paths(stem, len(manifest.shard_counts))
    for path, expected in zip(paths, manifest.shard_counts, strict=True):
        shard_ids, bytes_each = _read_ids(path)
        if len(shard_ids) != expected:
            raise InputError(
                f"{path}: holds {len(shard_ids)} records, its manifest says {expected}; "
                "delete the set and prepare it again"
            )
        ids.extend(shard_ids)
        sizes.append(bytes_each)
    if len(set(ids)) != len(ids):
        repeated = next(photo_id for photo_id in ids if ids.count(photo_id) > 1)
        raise InputError(f"{stem}: id {repeated} appears twice; prepare the set again")
    if hash_ids(ids) != manifest.ids_sha256:
        raise InputError(f"{stem}: ids differ from its manifest; prepare the set again")
    return RecordSet(stem, manifest, tuple(ids), np.cumsum(np.concatenate(sizes)))


def open_labels(stem: str, images: RecordSet) -> RecordSet:
    """Opens a label version and checks that its ids are those of `images`, in the same order."""
    labels = open_set(stem)
    if labels.ids != images.ids:
        missing = sorted(set(images.ids) - set(labels.ids))
        foreign = sorted(set(labels.ids) - set(images.ids))
        what = (
            f"no label for photo {missing[0]}"
            if missing
            else f"label of unknown photo {foreign[0]}"
            if foreign
            else "ids in another order"
        )
        raise InputError(f"{stem}: {what} (photos: {images.stem}); prepare the labels again")
    return labels


def stored_pictures(images: RecordSet) -> Iterator[bytes]:
    """Reads the encoded photos of an image set, in record order."""
    feature = {"image": IMAGE_FEATURES["image"]}
    records = tf.data.TFRecordDataset(images.shards).with_options(UNTUNED)
    pictures = records.map(lambda record: tf.io.parse_single_example(record, feature)["image"])
    yield from pictures.as_numpy_iterator()


def read_manifest(stem: str) -> Manifest:
    """Reads the manifest of a finished set.

    Raises:
        InputError: where there is none, or it is not one of this format.
    """
    path = manifest_path(stem)
    if not tf.io.gfile.exists(path):
        raise InputError(f"{path}: missing, so these records are not whole; prepare them again")
    with tf.io.gfile.GFile(path, "rb") as file, damage_named(path, "prepare the records again"):
        fields = json.loads(file.read())
        version = fields.pop("format")
        manifest = Manifest(**{**fields, "shard_counts": tuple(fields["shard_counts"])})
    if version != FORMAT_VERSION:
        raise InputError(f"{path}: format {version}, this program reads {FORMAT_VERSION}")
    return manifest


def _read_ids(path: str) -> tuple[list[str], np.ndarray]:
    """Reads a shard whole: the ids, and the bytes that each record takes, int64 [n]."""
    if not tf.io.gfile.exists(path):
        raise InputError(f"{path}: shard is missing; prepare the records again")

    @tf.autograph.experimental.do_not_convert
    def id_and_size(record):
        parsed = tf.io.parse_single_example(record, {"id": IMAGE_FEATURES["id"]})
        return parsed["id"], tf.strings.length(record) + _FRAME

    ids, sizes = [], []
    dataset = tf.data.TFRecordDataset(path).map(id_and_size).with_options(UNTUNED)
    try:
        for photo_id, size in dataset.as_numpy_iterator():
            ids.append(photo_id.decode())
            sizes.append(size)
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise InputError(f"{path}: damaged shard; delete it and prepare it again") from error
    return ids, np.array(sizes, np.int64)


def _example(features: dict[str, tf.train.Feature]) -> bytes:
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
