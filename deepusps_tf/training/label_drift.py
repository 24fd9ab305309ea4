"""Labels that go wrong while they look like labels: warned of, with the figures."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from absl import logging

from deepusps_tf.runs.round_result import RoundFigures, is_finished, read_figures

# By how much the odds that a pixel is salient may differ: labels of 20% may come to cover 6% or
# 50%. Odds, as growth from 60% to 90% is as bad as from 10% to 40%. Rounds of the demo, whose
# labels serve, grow from 20-22% to 37-39%, which is 2.4 times the odds.
FACTOR = 4.0
# A round that changes labels by so many times what the round before did, and by no trifle. Those of
# the demo change by 0.17, 0.10 and 0.08; learning rates that rise, as the paper's, change more.
SWING = 1.5
TRIFLE = 0.05


def warn_of_drift(folder: Path, figures: RoundFigures, others: Sequence[Path]) -> None:
    """Logs what `drift_warnings` finds."""
    for warning in drift_warnings(folder, figures, others):
        logging.warning("%s/%s: %s", folder.parent.name, folder.name, warning)


def drift_warnings(folder: Path, figures: RoundFigures, others: Sequence[Path]) -> list[str]:
    """Says where a round's labels grew or shrank out of proportion, or change more and more.

    Args:
        folder: the round's, `<method>/round<k>`; the rounds before lie beside it.
        figures: what the round came to.
        others: the folders of the other methods, of which the rounds that are finished count.

    Returns:
        A warning each, with its figures and the mend; none where all is well.
    """
    number = int(folder.name.removeprefix("round"))
    before = _figures(folder.parent, number - 1)
    began = (before[0] if before else figures).learned
    theirs = [_figures(other, number) for other in others]
    covered = [each[-1].coverage for each in theirs if each and each[-1].coverage is not None]
    own = sum(began) / len(began) if began else None
    coverage = _coverage_warning(figures.coverage, own, median(covered) if covered else None)
    warnings = [coverage] if coverage else []
    if before and swings(before[-1].change, figures.change):
        warnings.append(
            f"THE LABELS SWING: this round changed them by {figures.change:.3f} on average, the "
            f"one before by {before[-1].change:.3f}; they should settle. Lower --learning_rates, "
            f"raise --epochs, or end with --rounds={number - 1}."
        )
    return warnings


def out_of_proportion(coverage: float, reference: float) -> bool:
    """Whether labels cover so much more or less than a reference, both of 0 to 1."""
    ratio = _odds(coverage) / _odds(reference)
    return not 1 / FACTOR <= ratio <= FACTOR


def swings(before: float | None, change: float | None) -> bool:
    """Whether a round's change, of 0 to 1, grew over that of the round before."""
    return None not in (before, change) and change > max(SWING * before, TRIFLE)


def _coverage_warning(
    coverage: float | None, maps: float | None, others: float | None
) -> str | None:
    """What is to say of labels that cover so much of the photos; None where all is well."""
    if coverage is None:
        return None
    parts = []
    if maps is not None:
        parts.append((f"the maps they began from {maps:.1%}", maps))
    if others is not None:
        parts.append((f"those of the other methods {others:.1%}", others))
    far = [reference for _, reference in parts if out_of_proportion(coverage, reference)]
    if not far:
        return None
    what = "GREW" if coverage > far[0] else "SHRANK"
    against = ", ".join(text for text, _ in parts)
    return (
        f"THE LABELS {what} OUT OF PROPORTION: they cover {coverage:.1%} of the photos, {against}. "
        "The next round learns from these. Lower --learning_rates, raise --epochs, take fewer "
        "--rounds, or leave this method out of --methods."
    )


def _figures(method: Path, last: int) -> list[RoundFigures]:
    """The figures of the finished rounds of a method up to one."""
    folders = (method / f"round{number}" for number in range(1, last + 1))
    return [read_figures(folder) for folder in folders if is_finished(folder)]


def _odds(share: float) -> float:
    clipped = min(max(share, 1e-3), 1 - 1e-3)  # of empty labels too there are odds
    return clipped / (1 - clipped)
