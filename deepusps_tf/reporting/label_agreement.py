"""How far label sets agree, photo by photo, and how much of each photo they cover."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import label_mask_batches
from deepusps_tf.reporting.label_history import LabelHistory, LabelVersion
from deepusps_tf.runs.round_result import JOINT


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far at least two label sets agree.

    Attributes:
        names: of the label sets.
        overlap: float64 [N, M, M] in [0, 1], of each photo and each two label sets; see `overlaps`.
        coverage: float64 [N, M], the share of each photo that each label set calls salient.
    """

    names: tuple[str, ...]
    overlap: np.ndarray
    coverage: np.ndarray

    @property
    def of_photos(self) -> np.ndarray:
        """Mean overlap of all pairs of label sets on each photo, float64 [N]."""
        first, second = np.triu_indices(len(self.names), 1)
        return self.overlap[:, first, second].mean(axis=1)

    @property
    def of_sets(self) -> dict[str, float]:
        """Mean overlap of each label set with the others, by name."""
        total = self.overlap.mean(axis=0).sum(axis=1) - 1  # less that with itself
        each = total / (len(self.names) - 1)
        return dict(zip(self.names, map(float, each), strict=True))

    @property
    def mean(self) -> float:
        """Mean overlap of all pairs on all photos."""
        return float(self.of_photos.mean())

    def least(self, count: int) -> list[int]:
        """The photos on which the label sets overlap least, by their place, least first."""
        return [int(place) for place in np.argsort(self.of_photos, kind="stable")[:count]]


def overlaps(cut: np.ndarray) -> np.ndarray:
    """Overlap of each two of some cut labels: the pixels salient in both, of those in either.

    Args:
        cut: bool [B, S, S, M].

    Returns:
        float64 [B, M, M] in [0, 1]; 1 where both are empty.
    """
    flat = cut.reshape(len(cut), -1, cut.shape[-1]).astype(np.float32)
    both = np.einsum("bpm,bpn->bmn", flat, flat, optimize=True).astype(np.float64)
    areas = np.diagonal(both, axis1=1, axis2=2)
    either = areas[:, :, None] + areas[:, None, :] - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def compared_versions(histories: Sequence[LabelHistory]) -> list[tuple[str, LabelVersion]]:
    """The label sets of a run that are compared, with names; fewer than two where it has no two.

    They are the last of each method. Of one method they are its maps and its last labels.
    """
    methods = [each for each in histories if each.method != JOINT]
    if len(methods) == 1:
        method, versions = methods[0].method, methods[0].versions
        ends = [(f"{method} maps", versions[0]), (f"{method} labels", versions[-1])]
        return ends[: len(versions)]
    return [(each.method, each.last) for each in methods]


def agreement(
    images: RecordSet, compared: Sequence[tuple[str, LabelVersion]], size: int
) -> Agreement | None:
    """Compares label sets on all photos, at `size`; None where there are no two.

    Raises:
        InputError: where a shard is damaged.
    """
    if len(compared) < 2:
        return None
    names, versions = zip(*compared, strict=True)
    thresholds = np.array([version.threshold for version in versions], np.float32)
    batches = label_mask_batches(
        images=images, labels=[version.labels for version in versions], size=size
    )
    overlap, covered = [], []
    for labels, _ in batches:
        cut = labels.numpy() > thresholds
        overlap.append(overlaps(cut))
        covered.append(cut.mean(axis=(1, 2)))
    return Agreement(names, np.concatenate(overlap), np.concatenate(covered))
