"""Labels made with the truth masks of the training photos: the oracle rows of Tables 2 and 3.

The only module through which truth can reach training, and only where `--oracle` asks for it: these
are the upper bounds that the unsupervised rows are compared with.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from absl import logging

from data_prep.base.errors import InputError
from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import label_mask_batches
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.fusion.base import FusedLabels
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.parts import ORACLES


def check_oracle(config: Config, photos: PhotoSets) -> None:
    """Says loudly that a run trains on truth, or refuses to where there is none.

    Raises:
        InputError: where the training photos of an oracle run have no masks.
    """
    if config.oracle == "none":
        return
    if not photos.train.manifest.has_masks:
        raise InputError(
            f"{photos.train.stem}: holds no truth masks, which --oracle={config.oracle} trains on; "
            "prepare other --records with --masks, or leave --oracle out"
        )
    logging.warning(config.truth_notice)


def nearest_to_truth(labels: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Takes at every pixel the label nearest to the truth.

    Args:
        labels: float32 [B, S, S, M] in [0, 1].
        masks: float32 [B, S, S, 1], 0 or 1.

    Returns:
        float32 [B, S, S]: the largest label where the mask is 1, the smallest where it is 0.
    """
    return np.where(masks[..., 0] > 0, labels.max(axis=-1), labels.min(axis=-1))


@ORACLES.register("truth")
class Truth(FusedLabels):
    """Learns the masks themselves; the methods' labels are not looked at."""

    refines = False

    def maps(self, images: RecordSet, labels: Sequence[RecordSet]) -> Iterator[np.ndarray]:
        """Yields each photo's mask, float32 [S, S], 0 or 1."""
        for _, masks in label_mask_batches(images=images, labels=labels, size=self.config.size):
            yield from masks.numpy()[..., 0]


@ORACLES.register("fusion")
class BestOfMethods(FusedLabels):
    """Learns for each photo, at every pixel, the refined label nearest to the truth."""

    def maps(self, images: RecordSet, labels: Sequence[RecordSet]) -> Iterator[np.ndarray]:
        """Yields each photo's best label, float32 [S, S] in [0, 1]."""
        for maps, masks in label_mask_batches(images=images, labels=labels, size=self.config.size):
            yield from nearest_to_truth(maps.numpy(), masks.numpy())
