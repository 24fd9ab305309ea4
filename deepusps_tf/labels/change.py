"""How far labels move from one version to the next, and how much of the photos they cover."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import label_mask_batches


@dataclasses.dataclass(frozen=True)
class LabelChange:
    """What became of labels.

    Attributes:
        change: mean absolute change, of 0 to 1, from each version before to the one after.
        coverage: share of the pixels that each version before calls salient.
    """

    change: float
    coverage: tuple[float, ...]


def label_change(
    *,
    images: RecordSet,
    before: Sequence[RecordSet],
    after: RecordSet,
    size: int,
    threshold: float | Sequence[float],
) -> LabelChange:
    """Compares label versions with a later one, at `size`; those before are cut at `threshold`."""
    batches = label_mask_batches(images=images, labels=[*before, after], size=size)
    changes, covered = [], []
    for labels, _ in batches:
        maps = labels.numpy()
        changes.append(np.abs(maps[..., :-1] - maps[..., -1:]).mean(axis=(1, 2, 3)))
        covered.append((maps[..., :-1] > threshold).mean(axis=(1, 2)))
    coverage = np.concatenate(covered).mean(axis=0)
    return LabelChange(float(np.concatenate(changes).mean()), tuple(map(float, coverage)))
