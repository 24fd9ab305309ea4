"""Where labels are cut, and how a round's averages become the next round's labels."""

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np

from data_prep.base.errors import InputError
from data_prep.records.format import LabelRecord, RecordSet
from data_prep.records.shard_writer import write_shards

# Labels made by a network are cut here; maps at `handcrafted_threshold`.
REFINED_THRESHOLD = 0.5


def gamma(labels: RecordSet, scale: float) -> float:
    """Computes scale x the mean saliency of a method's maps (paper, 3.1)."""
    return scale * labels.manifest.mean_saliency


def handcrafted_threshold(labels: RecordSet, scale: float) -> float:
    """Computes `gamma`, to cut maps at.

    Raises:
        InputError: where the maps are so empty or full that nothing can be cut there.
    """
    threshold = gamma(labels, scale)
    if not 0 < threshold < 1:
        raise InputError(
            f"{labels.stem}: mean saliency {labels.manifest.mean_saliency:.3f} cannot be cut at "
            f"{threshold:.3f}; leave this method out of --methods"
        )
    return threshold


@dataclasses.dataclass(frozen=True)
class LabelSummary:
    """What a round's labels look like when cut into foreground and background.

    Attributes:
        count: labels.
        empty: labels without a foreground pixel.
        full: labels without a background pixel.
        coverage: mean share of foreground pixels.
    """

    count: int
    empty: int
    full: int
    coverage: float


def write_label_set(*, labels: Iterable[np.ndarray], images: RecordSet, stem: str) -> LabelSummary:
    """Writes labels, uint8 [S, S] in record order, as a label set with the ids of `images`."""
    empty = full = 0
    covered = []

    def records() -> Iterator[LabelRecord]:
        nonlocal empty, full
        for photo_id, label in zip(images.ids, labels, strict=True):
            foreground = label >= REFINED_THRESHOLD * 255
            empty += not foreground.any()
            full += bool(foreground.all())
            covered.append(float(foreground.mean()))
            yield LabelRecord.from_map(photo_id, label)

    manifest = write_shards(stem=stem, records=records(), count=len(images.ids))
    return LabelSummary(manifest.count, empty, full, math.fsum(covered) / manifest.count)
