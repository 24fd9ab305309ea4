"""Scores of maps, labels and networks on a set of photos with truth masks."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import keras
import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import label_mask_batches, scoring_batches
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.scoring.metrics import ImageScores, image_scores

# What outputs are called: of handcrafted methods, of rounds, and the two of networks.
MAP, LABELS = "map", "labels"
PLAIN, REFINED = "prediction", "prediction + CRF"


@dataclasses.dataclass(frozen=True)
class Scores:
    """Means over photos, each in [0, 1].

    Attributes:
        count: photos.
        mae: mean absolute error.
        f_fixed: F (beta^2 = 0.3) of the map cut at 0.5: the paper's network rows.
        f_adaptive: F of the map cut at twice its mean: the paper's handcrafted rows.
        precision: of the map cut at 0.5.
        recall: of the map cut at 0.5.
        border_recall: of the photos whose object touches the border (at least 5 % of the photo's
            outermost pixels are true), the share of true pixels within the outer 5 % of each side
            that the map cut at 0.5 finds. None where no object touches the border, and in files
            that were written before it was kept.
        f_touching: `f_fixed` over those photos alone; None where `border_recall` is.
    """

    count: int
    mae: float
    f_fixed: float
    f_adaptive: float
    precision: float
    recall: float
    border_recall: float | None = None
    f_touching: float | None = None

    def named(self) -> dict[str, float]:
        """The figures by name, without those that are None."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if value is not None}


def batch_outputs(
    *, network: keras.Model, image: np.ndarray, pool: CrfPool | None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Runs a network in inference mode and, where there is a pool, the CRF on a batch of photos.

    The network must not have been built under a strategy: Keras would then run each batch once a
    replica.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        image: the photos.
        pool: refines predictions, or None.

    Returns:
        The photos, uint8 [B, S, S, 3], and {"prediction": maps, "prediction + CRF": maps}, float32
        [B, S, S], the second only with a pool.
    """
    rgb = np.rint(image).astype(np.uint8)
    outputs = {PLAIN: network.predict_on_batch(image)[..., 0]}
    if pool is not None:
        outputs[REFINED] = np.stack(list(pool.refine_all(zip(rgb, outputs[PLAIN], strict=True))))
    return rgb, outputs


def network_outputs(
    *,
    network: keras.Model,
    images: RecordSet,
    size: int,
    batch_size: int,
    pool: CrfPool | None,
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Runs a network and, where there is a pool, the CRF over a set of photos with masks.

    Yields:
        ({"prediction": maps, "prediction + CRF": maps}, masks) of each batch, float32 [B, S, S],
        the second output only with a pool.
    """
    batches = scoring_batches(images=images, size=size, batch_size=batch_size)
    for batch in batches.as_numpy_iterator():
        _, outputs = batch_outputs(network=network, image=batch["image"], pool=pool)
        yield outputs, batch["mask"][..., 0]


def score_network(
    *,
    network: keras.Model,
    images: RecordSet,
    size: int,
    batch_size: int,
    pool: CrfPool | None,
) -> dict[str, Scores]:
    """Scores each of a network's outputs, named as in `network_outputs`."""
    each = {}
    for outputs, masks in network_outputs(
        network=network, images=images, size=size, batch_size=batch_size, pool=pool
    ):
        for output, maps in outputs.items():
            each.setdefault(output, []).append(map_scores(maps, masks))
    return {output: mean_scores(parts) for output, parts in each.items()}


def score_labels(*, images: RecordSet, labels: RecordSet, size: int) -> Scores:
    """Scores a label version (handcrafted maps or moving averages) at the network's size."""
    batches = label_mask_batches(images=images, labels=[labels], size=size)
    return score_maps((labels.numpy()[..., 0], mask.numpy()[..., 0]) for labels, mask in batches)


def score_maps(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> Scores:
    """Averages the scores of float32 (maps [B, S, S], masks [B, S, S]) over all images."""
    return mean_scores([map_scores(maps, masks) for maps, masks in batches])


def map_scores(maps: np.ndarray, masks: np.ndarray) -> ImageScores:
    """Scores float32 maps [B, H, W] by their masks, in arrays [B]."""
    scores = image_scores(maps[..., None], masks[..., None])
    return ImageScores(*(np.asarray(values) for values in scores))


def mean_scores(parts: Sequence[ImageScores]) -> Scores:
    """Averages what `map_scores` gave over all images, or over those that a figure is of."""
    each = ImageScores(*map(np.concatenate, zip(*parts, strict=True)))
    at_border = (each.border_recall[each.touches], each.f_fixed[each.touches])
    of_all = (each.mae, each.f_fixed, each.f_adaptive, each.precision, each.recall)
    return Scores(len(each.mae), *(_mean(values) for values in (*of_all, *at_border)))


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
