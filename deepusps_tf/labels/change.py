"""How far labels move from one version to the next."""

from collections.abc import Sequence

import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import label_mask_batches


def label_change(
    *, images: RecordSet, before: Sequence[RecordSet], after: RecordSet, size: int
) -> float:
    """Computes the mean absolute change from label versions to a later one, of 0 to 1."""
    batches = label_mask_batches(images=images, labels=[*before, after], size=size)
    maps = (labels.numpy() for labels, _ in batches)
    each = [np.abs(part[..., :-1] - part[..., -1:]).mean(axis=(1, 2, 3)) for part in maps]
    return float(np.concatenate(each).mean())
