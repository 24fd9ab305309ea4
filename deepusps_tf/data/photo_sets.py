"""The photos of a run and the first labels of each: what a records folder holds."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping

import tensorflow as tf

from data_prep.records.corrections import FIRST
from data_prep.records.format import (
    RecordSet,
    manifest_path,
    open_labels,
    open_set,
    stored_pictures,
)


@dataclasses.dataclass(frozen=True)
class PhotoSets:
    """The opened photos of a run: those trained on and, where there are any, the test photos.

    Attributes:
        records: the folder.
        train: the photos trained on.
        test: the test photos, or None.
        versions: which version of a method's first labels is meant, where it is not `round0`.
        own: the folder of the photos trained on and their labels, where it is another.
    """

    records: str
    train: RecordSet
    test: RecordSet | None
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    own: str | None = None

    def masked(self) -> dict[str, RecordSet]:
        """The sets that can be scored, by split name."""
        splits = {"train": self.train, "test": self.test}
        return {
            split: images
            for split, images in splits.items()
            if images is not None and images.manifest.has_masks
        }

    def judged(self) -> tuple[str, RecordSet | None]:
        """The split that networks are judged by: test, or train where only that has masks."""
        masked = self.masked()
        split = "test" if "test" in masked else "train"
        return split, masked.get(split)

    def handcrafted(self, split: str, method: str) -> RecordSet:
        """Opens the handcrafted maps of a method for a split: round 0, or as corrected since."""
        images = self.train if split == "train" else self.test
        folder = (self.own if split == "train" else None) or self.records
        version = self.versions.get(method, FIRST)
        return open_labels(f"{folder}/{split}/labels/{method}/{version}", images)


def open_photos(
    records: str, versions: Mapping[str, str] | None = None, own: str | None = None
) -> PhotoSets:
    """Opens and checks the photo sets under a records folder.

    Args:
        records: the folder.
        versions: as of `PhotoSets`.
        own: the same.

    Raises:
        InputError: where the training photos are missing or anything there is damaged.
    """
    test = f"{records}/test/images"
    has_test = tf.io.gfile.exists(manifest_path(test))
    return PhotoSets(
        records=records,
        train=open_set(f"{own or records}/train/images"),
        test=open_set(test) if has_test else None,
        versions=versions or {},
        own=own,
    )


def trained_on(records: str, images: RecordSet) -> frozenset[str] | None:
    """Finds the photos of a set that are training photos of other records too.

    Photos are the same where their stored bytes are, whatever their ids: those of two data sets may
    be equal. One stored at another `--max_side` is not recognised.

    Args:
        records: the other folder.
        images: the photos looked for.

    Returns:
        Their ids in `images`, or None where the other training photos are no longer there.

    Raises:
        InputError: where the other records are damaged.
    """
    stem = f"{records}/train/images"
    if not tf.io.gfile.exists(manifest_path(stem)):
        return None
    trained = set(_picture_hashes(open_set(stem)))
    hashes = zip(images.ids, _picture_hashes(images), strict=True)
    return frozenset(photo_id for photo_id, picture in hashes if picture in trained)


def _picture_hashes(images: RecordSet) -> Iterator[bytes]:
    """Hashes the stored bytes of each photo, in record order."""
    for picture in stored_pictures(images):
        yield hashlib.sha256(picture).digest()
