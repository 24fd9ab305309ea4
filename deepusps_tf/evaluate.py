"""Scores of maps, labels and networks on a set of photos with truth masks."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import keras
import numpy as np

from deepusps_tf.crf_pool import CrfPool
from deepusps_tf.dataset import label_batches, scoring_batches
from deepusps_tf.metrics import image_scores
from deepusps_tf.records import RecordSet

PLAIN, REFINED = "prediction", "prediction + CRF"  # what a network's two outputs are called


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
    """

    count: int
    mae: float
    f_fixed: float
    f_adaptive: float
    precision: float
    recall: float


@dataclasses.dataclass(frozen=True)
class Predictions:
    """One batch of a network's output beside its photos.

    Attributes:
        ids: of the photos.
        rgb: uint8 [B, S, S, 3].
        probability: float32 [B, S, S].
        mask: float32 [B, S, S], 0 or 1; all 0 where the set has no masks.
    """

    ids: list[str]
    rgb: np.ndarray
    probability: np.ndarray
    mask: np.ndarray


def predict_set(
    *, network: keras.Model, images: RecordSet, size: int, batch_size: int
) -> Iterator[Predictions]:
    """Runs a network in inference mode over a set of photos, in record order.

    The network must not have been built under a strategy: Keras would then run each batch once a
    replica.
    """
    for batch in scoring_batches(images=images, size=size, batch_size=batch_size):
        yield Predictions(
            ids=[photo_id.decode() for photo_id in batch["id"].numpy()],
            rgb=np.rint(batch["image"].numpy()).astype(np.uint8),
            probability=network.predict_on_batch(batch["image"])[..., 0],
            mask=batch["mask"].numpy()[..., 0],
        )


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
    for batch in predict_set(network=network, images=images, size=size, batch_size=batch_size):
        outputs = {PLAIN: batch.probability}
        if pool is not None:
            maps = pool.refine_all(zip(batch.rgb, batch.probability, strict=True))
            outputs[REFINED] = np.stack(list(maps))
        yield outputs, batch.mask


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
    batches = label_batches(images=images, labels=[labels], size=size)
    return score_maps((labels.numpy()[..., 0], mask.numpy()[..., 0]) for labels, mask in batches)


def label_change(*, images: RecordSet, before: RecordSet, after: RecordSet, size: int) -> float:
    """Computes the mean absolute difference of two label versions, of 0 to 1, at `size`."""
    batches = label_batches(images=images, labels=[before, after], size=size)
    each = [np.abs(np.diff(labels.numpy())).mean(axis=(1, 2, 3)) for labels, _ in batches]
    return float(np.concatenate(each).mean())


def score_maps(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> Scores:
    """Averages the scores of float32 (maps [B, S, S], masks [B, S, S]) over all images."""
    return mean_scores([map_scores(maps, masks) for maps, masks in batches])


def map_scores(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Scores float32 maps [B, H, W] by their masks: [5, B], a row for each figure of `Scores`."""
    scores = image_scores(maps[..., None], masks[..., None])
    return np.stack([np.asarray(values) for values in scores])


def mean_scores(parts: Sequence[np.ndarray]) -> Scores:
    """Averages what `map_scores` gave over all images."""
    each = np.concatenate(parts, axis=1)
    return Scores(each.shape[1], *(float(value) for value in each.mean(axis=1)))
