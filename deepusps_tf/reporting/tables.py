"""Tables of a report: figures of every stage, of evaluations made since, and of the labels."""

import dataclasses
from collections.abc import Mapping, Sequence

from deepusps_tf.reporting.label_agreement import Agreement
from deepusps_tf.reporting.label_history import LabelHistory
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.layout import SPLITS, percentages, shown_columns

TITLES = {split: name.capitalize() for split, name in SPLITS.items()}
# What the columns mean, for those who never saw them.
TERMS = {
    "MAE": "mean absolute difference of map and mask; low is good",
    "F 0.5": "precision and recall in one figure, with β² = 0.3 mostly precision, of the map at a "
    "threshold of 0.5; high is good",
    "F 2xmean": "the same at twice the map's mean, as the paper cuts handcrafted maps",
    "precision": "the share of what was found that is object",
    "recall": "the share of the object that was found",
    "border recall": "of photos whose object touches the border: the share found of the object's "
    "pixels in the outer 5% of each side",
    "F touching": "F 0.5 of these photos alone",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table: what it is of, how it is marked (`map`, `fusion` or not), its cells."""

    name: str
    kind: str
    cells: list[str]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table: its title, what its columns are called and mean, and its rows."""

    title: str
    columns: list[str]
    terms: Mapping[str, str]
    rows: list[Row]


def figure_tables(rows: Sequence[Figures], evaluations: Sequence[Figures]) -> list[Table]:
    """Lays out a run's figures: a table a split, held-out photos first, then evaluations.

    Args:
        rows: the stage table; may be empty.
        evaluations: those of the run, made since; may be none.
    """
    tables = []
    for split, title in TITLES.items():
        part = [row for row in rows if row.subject.split == split]
        if part:
            named = [(row.name, _kind(row), row) for row in part]
            tables.append(_table(f"{title} ({part[0].scores.count:,})", named))
    if evaluations:
        named = [(_evaluation_name(each), "", each) for each in evaluations]
        tables.append(_table("Evaluations of this run", named))
    return tables


def _table(title: str, named: Sequence[tuple[str, str, Figures]]) -> Table:
    columns = shown_columns([figures for _, _, figures in named])
    return Table(
        title,
        list(columns.values()),
        {name: TERMS[name] for name in columns.values()},
        [Row(name, kind, percentages(row.scores, columns)) for name, kind, row in named],
    )


def _kind(row: Figures) -> str:
    if row.subject.method == "fusion":
        return "fusion"
    return "map" if row.subject.stage == 0 else ""


def _evaluation_name(figures: Figures) -> str:
    subject = figures.subject
    count = figures.scores.count
    return f"{subject.test_set} ({count:,}, at {subject.resolution}), {figures.output}"


def label_table(histories: Sequence[LabelHistory], agreement: Agreement | None) -> Table:
    """Lays out how each method's labels moved, what they cover and how far they agree."""
    rounds = max(len(each.rounds) for each in histories)
    overlap = agreement.of_sets if agreement else {}
    compared = any(each.method in overlap for each in histories)
    rows = []
    for history in histories:
        figures = [figures for _, figures in history.rounds]
        learned = figures[0].learned if figures else ()
        changes = [*(each.change for each in figures), *[None] * (rounds - len(figures))]
        cells = [_share(sum(learned) / len(learned) if learned else None)]
        cells += [_share(each) for each in changes]
        cells.append(_share(figures[-1].coverage if figures else None))
        cells += [_share(overlap.get(history.method))] if compared else []
        rows.append(Row(history.method, "", cells))
    terms = {"began at": "the share of the photo that the labels covered before the first round"}
    names = [f"round {number} changed" for number in range(1, rounds + 1)]
    if names:
        terms[names[0]] = (
            "how far the round moved the labels, on average over all pixels: 100 would turn all "
            "background into object and the reverse. From round to round it should fall"
        )
    terms["ended at"] = "the share that they cover now. Methods should end near one another"
    if compared:
        terms["overlap"] = (
            "how far its labels agree with those of the others: the pixels that both call object, "
            "of those that either does"
        )
    columns = ["began at", *names, "ended at", *(["overlap"] if compared else [])]
    return Table("Labels by method", columns, terms, rows)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
