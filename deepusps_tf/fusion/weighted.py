"""One label of several: their average, weighted by how far each is trusted.

In the spirit of Zhang, Han and Zhang (ICCV 2017, "Supervision by Fusion"), who weigh saliency maps
by their reliability on the whole photo and within each superpixel, inferred from the maps alone.
The agreement of method m with the others in a region R is

    a_m(R) = 1 - mean over p in R of |l_m(p) - mean over k != m of l_k(p)|,

clipped to `AGREEMENT`. A label counts the odds of its being right,

    w_m(R) = a_m(R) / (1 - a_m(R)),

and with the photo X and the superpixel s that holds p

    fused(p) = sum over m of w_m(X) w_m(s) l_m(p)  /  sum over m of w_m(X) w_m(s).

They infer reliabilities with the network in the loop and fuse anew as it learns; here labels are
fused once, before the final network is trained.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from keras import ops

from data_prep.records.format import RecordSet
from data_prep.regions.lab import rgb_to_lab
from data_prep.regions.slic import slic
from data_prep.regions.superpixels import region_means
from deepusps_tf.fusion.base import FusedLabels
from deepusps_tf.settings.parts import FUSIONS

# No label counts for nothing, none for everything.
AGREEMENT = (0.01, 0.99)
_SEGMENTS = 200
_COMPACTNESS = 20


def photo_segments(rgb: np.ndarray) -> np.ndarray:
    """Superpixels of a photo, about 200: uint8 [H, W, 3] -> int32 [H, W]."""
    return slic(rgb_to_lab(rgb), _SEGMENTS, compactness=_COMPACTNESS)


def others_mean(labels):
    """For each label the mean of the other ones: float [..., M], M at least 2 -> the same shape."""
    return (ops.sum(labels, axis=-1, keepdims=True) - labels) / (labels.shape[-1] - 1)


def weighted_average(labels: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Averages the labels of a photo by the weights of the photo and of each superpixel.

    Args:
        labels: float32 [H, W, M] in [0, 1], M at least 2.
        segments: int32 [H, W], superpixels 0..N-1, none left out.

    Returns:
        float32 [H, W] in [0, 1].
    """
    distance = np.abs(labels - ops.convert_to_numpy(others_mean(labels)))
    of_photo = odds(1 - distance.mean(axis=(0, 1)))
    of_segments = odds(1 - region_means(segments, distance))
    weights = (of_photo * of_segments)[segments]
    return ((weights * labels).sum(axis=-1) / weights.sum(axis=-1)).astype(np.float32)


def odds(agreement: np.ndarray) -> np.ndarray:
    """The weight of a label that is right this often: a / (1 - a), a clipped to `AGREEMENT`."""
    clipped = np.clip(agreement, *AGREEMENT)
    return clipped / (1 - clipped)


@FUSIONS.register("weighted")
class Weighted(FusedLabels):
    """Learns one label a photo: the average of all methods', weighted by their agreement."""

    compares = True

    def maps(self, images: RecordSet, labels: Sequence[RecordSet]) -> Iterator[np.ndarray]:
        """Yields each photo's weighted average, float32 [S, S] in [0, 1]."""
        for batch in self.batches(images, labels):
            for photo, maps in zip(batch["image"].numpy(), batch["labels"].numpy(), strict=True):
                yield weighted_average(maps, photo_segments(np.rint(photo).astype(np.uint8)))
