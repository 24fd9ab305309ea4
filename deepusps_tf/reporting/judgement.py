"""A run's photos judged, alone or beside another run's, and those of them worth showing."""

import contextlib
import dataclasses
import heapq
import itertools
from collections.abc import Iterator
from typing import NamedTuple

from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.labels.crf_pool import start_crf
from deepusps_tf.reporting.galleries import PHOTOS
from deepusps_tf.reporting.photo_errors import JudgedPhoto, judge_photos
from deepusps_tf.settings.config import Config


class Judged(NamedTuple):
    """A photo as a run judges it and, where one is compared, as the other does."""

    ours: JudgedPhoto
    theirs: JudgedPhoto | None

    @property
    def gain(self) -> float:
        """How much smaller this run's MAE is than the other's, of -1 to 1."""
        return self.theirs.error - self.ours.error


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A run's photos with masks.

    Attributes:
        first: the first of them.
        worst: those with this run's largest errors, largest first (paper, figure 5, left).
        apart: those that it does much better than the other run, best first, then those that it
            does much worse, worst first (figure 5, right); empty where none is compared.
        errors: MAE of each photo by id, of 0 to 1.
        their_errors: the other run's.
    """

    first: list[Judged]
    worst: list[Judged]
    apart: list[Judged]
    errors: dict[str, float]
    their_errors: dict[str, float]


def judge(
    config: Config,
    photos: PhotoSets,
    *,
    other: Config | None = None,
    left_out: frozenset[str] = frozenset(),
) -> Judgement:
    """Judges a run's photos with masks, each run after a CRF of its own.

    Photos pass by, and only those to show are kept.

    Args:
        config: of the run.
        photos: its photo sets.
        other: of the run it is compared with, or None.
        left_out: ids that are neither among the worst nor among those apart.
    """
    first, worst, better, worse = [], [], [], []
    errors, their_errors = {}, {}
    with contextlib.ExitStack() as stack:
        ours = _judged(config, config, photos, stack)
        theirs = _judged(other, config, photos, stack) if other else itertools.repeat(None)
        for pair in map(Judged, ours, theirs):
            errors[pair.ours.id] = pair.ours.error
            if len(first) < PHOTOS:
                first.append(pair)
            shown = pair.ours.id not in left_out
            if shown:
                worst = heapq.nlargest(PHOTOS, [*worst, pair], key=lambda each: each.ours.error)
            if pair.theirs:
                their_errors[pair.ours.id] = pair.theirs.error
                if shown and pair.gain > 0:
                    better = heapq.nlargest(
                        PHOTOS // 2, [*better, pair], key=lambda each: each.gain
                    )
                elif shown and pair.gain < 0:
                    worse = heapq.nlargest(PHOTOS // 2, [*worse, pair], key=lambda each: -each.gain)
    return Judgement(first, worst, [*better, *worse], errors, their_errors)


def _judged(
    judge_config: Config, config: Config, photos: PhotoSets, stack: contextlib.ExitStack
) -> Iterator[JudgedPhoto]:
    """One run's judgement, after its CRF, of the photos of another or the same."""
    pool = stack.enter_context(start_crf(judge_config, one_pass=True))
    return judge_photos(judge_config, photos, pool, config.method_names)
