"""Scores of maps, labels and networks on a set of photos with truth masks."""

import dataclasses
from collections.abc import Iterable, Iterator

import keras
import numpy as np

from deepusps_tf.crf_pool import CrfPool
from deepusps_tf.dataset import label_batches, scoring_batches
from deepusps_tf.metrics import image_scores
from deepusps_tf.records import RecordSet


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


def score_network(
    *,
    network: keras.Model,
    images: RecordSet,
    size: int,
    batch_size: int,
    pool: CrfPool | None,
) -> dict[str, Scores]:
    """Scores a network's predictions and, where there is a pool, their CRF refinement.

    Returns:
        {"prediction": Scores, "prediction + CRF": Scores}, the second only with a pool.
    """
    plain, refined = [], []
    for batch in predict_set(network=network, images=images, size=size, batch_size=batch_size):
        plain.append((batch.probability, batch.mask))
        if pool is not None:
            maps = pool.refine_all(zip(batch.rgb, batch.probability, strict=True))
            refined.append((np.stack(list(maps)), batch.mask))
    scores = {"prediction": score_maps(plain)}
    if pool is not None:
        scores["prediction + CRF"] = score_maps(refined)
    return scores


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
    collected = [
        np.stack([np.asarray(values) for values in image_scores(maps[..., None], masks[..., None])])
        for maps, masks in batches
    ]
    each = np.concatenate(collected, axis=1)
    return Scores(each.shape[1], *(float(value) for value in each.mean(axis=1)))
