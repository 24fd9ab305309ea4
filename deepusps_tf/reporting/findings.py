"""What in a run looks wrong, whether or not it has masks to score by."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepusps_tf.reporting.label_agreement import Agreement
from deepusps_tf.reporting.label_history import LabelHistory
from deepusps_tf.runs.round_result import JOINT, RoundFigures
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.scores import PLAIN, REFINED
from deepusps_tf.training.label_drift import drift_warnings

# A method whose labels overlap those of the others by less stands apart. Those of the four methods
# after a round of cpu.flags on MSRA-1000 overlap by 86 to 89 %.
APART = 0.5
# Labels that cover less or more of the photos than this are of no object that stands out.
SCARCE, CROWDED = 0.02, 0.6
_FULL = 0.9  # of a photo, that a mask with an object and its background does not cover
_BETTER = 0.01  # F, by which an earlier stage may score better than the last
_ODD = 0.1  # the share of random masks that may be empty or full


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that looks wrong.

    Attributes:
        where: what it is about, in a word or two.
        text: what is wrong, with its figures, and what to do.
    """

    where: str
    text: str


def findings(
    *,
    histories: Sequence[LabelHistory],
    agreement: Agreement | None,
    fusion: RoundFigures | None,
    masks: Sequence[np.ndarray],
    rows: Sequence[Figures],
    collapse_warning: float,
) -> list[Finding]:
    """Looks through what a run left for what looks wrong.

    Args:
        histories: the labels' versions.
        agreement: of the methods' last labels, or None.
        fusion: the figures of the last training, or None.
        masks: of random photos by the final model, bool [h, w] each.
        rows: the stage table; may be empty.
        collapse_warning: the share of empty and full labels from which they are warned of.
    """
    return [
        *_drifts(histories),
        *_covers(histories),
        *_collapses(agreement, collapse_warning),
        *_standing_apart(agreement),
        *_losses(fusion),
        *_odd_masks(masks),
        *_beaten(rows),
    ]


def _drifts(histories: Sequence[LabelHistory]) -> list[Finding]:
    """The warnings of the log: labels that grow, shrink or swing."""
    found = []
    for history in histories:
        of_a_method = history.method != JOINT
        for folder, figures in history.rounds:
            others = [_folder(each) for each in histories if each.method != JOINT and each.rounds]
            beside = [each for each in others if of_a_method and each != folder.parent]
            found += [
                Finding(f"{folder.parent.name}, {_spaced(folder.name)}", warning)
                for warning in drift_warnings(folder, figures, beside)
            ]
    return found


def _folder(history: LabelHistory) -> Path:
    return history.rounds[0][0].parent


def _spaced(name: str) -> str:
    return name.replace("round", "round ")


def _covers(histories: Sequence[LabelHistory]) -> list[Finding]:
    """Last labels that call hardly anything, or most of the photos, salient."""
    found = []
    for history in histories:
        coverage = history.rounds[-1][1].coverage if history.rounds else None
        if coverage is not None and not SCARCE <= coverage <= CROWDED:
            found.append(
                Finding(
                    history.method,
                    f"Its labels cover {coverage:.0%} of the photos. Where one object stands out "
                    f"it is {SCARCE:.0%} to {CROWDED:.0%}: look at its column below, and leave the "
                    "method out of --methods if it is wrong.",
                )
            )
    return found


def _collapses(agreement: Agreement | None, share: float) -> list[Finding]:
    found = []
    for name, covered in _columns(agreement):
        empty, full = int((covered == 0).sum()), int((covered == 1).sum())
        if empty + full > share * len(covered):
            found.append(
                Finding(
                    name,
                    f"Of its {len(covered):,} labels {empty:,} are empty and {full:,} full: they "
                    "teach nothing. Look at the method's maps, or leave it out of --methods.",
                )
            )
    return found


def _columns(agreement: Agreement | None) -> list[tuple[str, np.ndarray]]:
    return list(zip(agreement.names, agreement.coverage.T, strict=True)) if agreement else []


def _standing_apart(agreement: Agreement | None) -> list[Finding]:
    """Methods whose labels are unlike those of the others."""
    if agreement is None:
        return []
    if len(agreement.names) == 2:
        if agreement.mean >= APART:
            return []
        return [
            Finding(
                " and ".join(agreement.names),
                f"They overlap by {agreement.mean:.0%} only. Look at their columns below: where "
                "one is wrong on most photos, leave it out.",
            )
        ]
    return [
        Finding(
            name,
            f"Its labels overlap those of the other methods by {overlap:.0%} only. Look at its "
            "column below: where it is wrong on most photos, leave it out of --methods.",
        )
        for name, overlap in agreement.of_sets.items()
        if overlap < APART
    ]


def _losses(fusion: RoundFigures | None) -> list[Finding]:
    if fusion is None or len(fusion.losses) < 2 or fusion.losses[-1] < fusion.losses[0]:
        return []
    first, last = fusion.losses[0], fusion.losses[-1]
    return [
        Finding(
            "final network",
            f"Its loss did not fall: {first:.3f} in the first epoch, {last:.3f} in the last. Lower "
            "--fusion_learning_rate or raise --fusion_epochs.",
        )
    ]


def _odd_masks(masks: Sequence[np.ndarray]) -> list[Finding]:
    """Random masks of the final model that hold nothing, or nearly all of their photo."""
    empty = sum(not mask.any() for mask in masks)
    full = sum(mask.mean() > _FULL for mask in masks)
    if empty + full <= _ODD * len(masks):
        return []
    return [
        Finding(
            "masks",
            f"Of {len(masks)} random masks {empty} are empty and {full} cover more than "
            f"{_FULL:.0%} of their photo. Look whether these photos have one object that stands "
            "out.",
        )
    ]


def _beaten(rows: Sequence[Figures]) -> list[Finding]:
    """A network of an earlier stage that scores better on held-out photos than the final one."""
    for output in (REFINED, PLAIN):
        scored = [row for row in rows if (row.subject.split, row.output) == ("test", output)]
        final = next((row for row in scored if row.subject.method == "fusion"), None)
        if final is None:
            continue
        best = max(scored, key=lambda row: row.scores.f_fixed)
        if best.scores.f_fixed < final.scores.f_fixed + _BETTER:
            return []
        return [
            Finding(
                "final network",
                f"It scores F {final.scores.f_fixed:.1%} on {final.scores.count:,} held-out "
                f"photos, and {best.name}, an earlier stage, {best.scores.f_fixed:.1%}: the last "
                "training lost what was there. Raise --fusion_epochs, or leave out methods whose "
                "own networks score low.",
            )
        ]
    return []
