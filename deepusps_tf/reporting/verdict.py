"""Is it good? One sentence on a run, and what it rests on."""

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from deepusps_tf.reporting.findings import Finding
from deepusps_tf.reporting.label_agreement import Agreement
from deepusps_tf.reporting.label_history import LabelHistory
from deepusps_tf.reporting.run_facts import figures_told, own_evaluations
from deepusps_tf.runs.round_result import JOINT
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.scores import REFINED
from deepusps_tf.serving.model_facts import ModelFigures
from deepusps_tf.settings.config import Config

GOOD, FAIR = 0.85, 0.7  # F, from which masks are called so
FEW = 50  # photos, below which figures are rough


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What can be said of a run.

    Attributes:
        grade: `good`, `fair` or `poor` by masks; without any `unknown`, or `doubtful` where
            something looks wrong.
        sentence: in one sentence.
        points: what it rests on, a sentence or two each.
    """

    grade: str
    sentence: str
    points: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Scored:
    """The final model's most telling figures.

    Attributes:
        figures: of it.
        best_map: those of the best handcrafted maps on the same photos, or None.
    """

    figures: ModelFigures
    best_map: Figures | None

    @property
    def unseen(self) -> bool:
        """Whether the photos were kept out of training."""
        return not self.figures.test_set.endswith("(training photos)")

    def __getitem__(self, name: str) -> float:
        return self.figures.scores[name]


def telling_figures(config: Config, rows: Sequence[Figures]) -> Scored | None:
    """Chooses figures to judge a run by; None where it was scored on no mask.

    Photos that were not trained on come first, then the larger number, then what the CRF refined.

    Args:
        config: of the run; its workdir may hold evaluations made since.
        rows: its stage table.

    Raises:
        InputError: where the kept evaluations are damaged.
    """
    candidates = [
        Scored(figures_told(row, config), _best_map(rows, row.subject.split))
        for row in rows
        if row.subject.method == "fusion" and row.output != "labels"
    ]
    candidates += [Scored(figures_told(row, config), None) for row in own_evaluations(config)]
    return max(
        candidates,
        key=lambda each: (each.unseen, each.figures.photos, each.figures.output == REFINED),
        default=None,
    )


def _best_map(rows: Sequence[Figures], split: str) -> Figures | None:
    maps = [row for row in rows if row.subject.stage == 0 and row.subject.split == split]
    return max(maps, key=lambda row: row.paper_f, default=None)


def verdict_by_masks(
    scored: Scored, *, errors: Mapping[str, float], found: Sequence[Finding], oracle: bool
) -> Verdict:
    """Judges a run by its figures.

    Args:
        scored: of `telling_figures`.
        errors: MAE of single photos by id, of 0 to 1; may be empty.
        found: what looks wrong.
        oracle: whether the run was trained on masks.
    """
    f, figures = scored["f_fixed"], scored.figures
    grade = "good" if f >= GOOD else "fair" if f >= FAIR else "poor"
    beaten = scored.best_map is None or f > scored.best_map.paper_f
    word = grade.capitalize() if beaten else "No better than the maps it learned from"
    seen = "which it was trained on, " + ("masks included" if oracle else "though not on the masks")
    sentence = (
        f"{word}: of what the model marks {scored['precision']:.0%} is object, and of the object "
        f"it finds {scored['recall']:.0%}, on the {figures.photos:,} photos of "
        f"{figures.test_set}, {'which it was not trained on' if scored.unseen else seen}."
    )
    points = [
        f"F {_percent(f)} and MAE {_percent(scored['mae'])}. F joins the two shares in one figure, "
        "high is good; MAE is how far prediction and mask are apart, low is good. This page calls "
        f"F from {GOOD:.0%} good and from {FAIR:.0%} fair."
    ]
    if scored.best_map:
        by = scored.best_map
        gain = 100 * (f - by.paper_f)
        points.append(
            f"The best of the maps it learned from, {by.subject.method.upper()}'s, have F "
            f"{_percent(by.paper_f)} on the same photos: training "
            f"{'added' if gain >= 0 else 'lost'} {abs(gain):.1f} points."
        )
    if errors:
        half, tenth = np.quantile(list(errors.values()), [0.5, 0.9])
        points.append(
            f"Half of the photos have an MAE below {_percent(half)}, the worst tenth one above "
            f"{_percent(tenth)}."
        )
    if figures.photos < FEW:
        points.append(f"{figures.photos} photos are few: others may differ by several points.")
    points.append(_told(found))
    return Verdict(grade if beaten else "poor", sentence, tuple(points))


def verdict_without_masks(
    *,
    histories: Sequence[LabelHistory],
    agreement: Agreement | None,
    found: Sequence[Finding],
) -> Verdict:
    """Says what can be said of a run that no mask scores: nothing of how good it is."""
    if found:
        things = "one thing looks" if len(found) == 1 else f"{len(found)} things look"
        sentence = (
            f"Look before you use it: {things} wrong, and no photo of this run has a mask by hand, "
            "so how good its masks are is not known."
        )
    else:
        sentence = (
            "Nothing looks wrong, but no photo of this run has a mask by hand: how good its masks "
            "are only your eyes can say."
        )
    points = [*_movement(histories), *_coverage(histories), *_agreed(agreement), _told(found)]
    return Verdict("doubtful" if found else "unknown", sentence, tuple(points))


def _movement(histories: Sequence[LabelHistory]) -> list[str]:
    """Whether the methods' labels settle."""
    changes = [
        [figures.change for _, figures in each.rounds]
        for each in histories
        if each.method != JOINT and each.rounds
    ]
    changes = [each for each in changes if None not in each]
    if not changes:
        return []
    first, last = fmean(each[0] for each in changes), fmean(each[-1] for each in changes)
    if max(map(len, changes)) == 1:
        return [
            f"The labels: their one round changed them by {_percent(first)} of the way from "
            "background to object, on average over all pixels. Whether they settle, one round "
            "cannot show."
        ]
    settle = "they settle" if last < first else "they do not settle"
    return [
        f"The labels: the first round changed them by {_percent(first)} of the way from background "
        f"to object, on average over all pixels, the last by {_percent(last)}: {settle}."
    ]


def _coverage(histories: Sequence[LabelHistory]) -> list[str]:
    """How much of the photos labels cover, before and after."""
    ends = [
        (each.rounds[0][1].learned[0], each.rounds[-1][1].coverage)
        for each in histories
        if each.method != JOINT and each.rounds and each.rounds[0][1].learned
    ]
    if not ends:
        return []
    before, after = (fmean(part) for part in zip(*ends, strict=True))
    return [
        f"Their coverage: they call {_percent(after)} of the photos object, the maps that they "
        f"began from {_percent(before)}."
    ]


def _agreed(agreement: Agreement | None) -> list[str]:
    if agreement is None:
        return []
    few = int((agreement.of_photos < 0.5).sum())
    return [
        f"Their overlap, of {_listed(agreement.names)}: of the pixels that either of two label "
        f"sets calls object, both do on {agreement.mean:.0%}. On {few:,} of "
        f"{len(agreement.of_photos):,} photos it is below 50%."
    ]


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _told(found: Sequence[Finding]) -> str:
    if not found:
        return "Labels, losses and masks were looked through for signs of trouble; there is none."
    return f"Looks wrong: {'; '.join(dict.fromkeys(each.where for each in found))}. See below."


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"
