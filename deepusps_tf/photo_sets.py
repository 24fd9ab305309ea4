"""The photos of a run and the first labels of each: what a records folder holds."""

import dataclasses
from pathlib import Path

import tensorflow as tf

from deepusps_tf.records import RecordSet, manifest_path, open_labels, open_set


@dataclasses.dataclass(frozen=True)
class PhotoSets:
    """The opened photos of a run: those trained on and, where there are any, the test photos."""

    records: str
    train: RecordSet
    test: RecordSet | None

    def masked(self) -> dict[str, RecordSet]:
        """The sets that can be scored, by split name."""
        splits = {"train": self.train, "test": self.test}
        return {
            split: images
            for split, images in splits.items()
            if images is not None and images.manifest.has_masks
        }

    def held_out(self) -> tuple[str, RecordSet | None]:
        """The split that networks are judged by: test, or train where only that has masks."""
        masked = self.masked()
        split = "test" if "test" in masked else "train"
        return split, masked.get(split)

    def handcrafted(self, split: str, method: str) -> RecordSet:
        """Opens the handcrafted maps that a method made of a split: round 0."""
        images = self.train if split == "train" else self.test
        return open_labels(f"{self.records}/{split}/labels/{method}/round0", images)


def open_photos(records: str) -> PhotoSets:
    """Opens and checks the photo sets under a records folder.

    Raises:
        InputError: where the training photos are missing or anything there is damaged.
    """
    test = f"{records}/test/images"
    has_test = tf.io.gfile.exists(manifest_path(test))
    return PhotoSets(
        records, open_set(f"{records}/train/images"), open_set(test) if has_test else None
    )


def scored_set(records: str, split: str) -> str:
    """What tables call a split of records: their folder's name, which is that of the test set."""
    name = Path(records).name
    return name if split == "test" else f"{name} (training photos)"
