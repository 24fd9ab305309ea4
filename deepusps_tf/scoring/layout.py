"""Figures laid out: the stage table and evaluations, as console text and as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from deepusps_tf.scoring.figures import FieldScores, Figures
from deepusps_tf.scoring.scores import Scores

SPLITS = {"test": "held-out photos", "train": "training photos"}  # in the order of tables
# What tables call each figure, in their order.
COLUMNS = {
    "mae": "MAE",
    "f_fixed": "F 0.5",
    "f_adaptive": "F 2xmean",
    "precision": "precision",
    "recall": "recall",
}
# The same, of figures that not all photos have.
BORDER_COLUMNS = {"border_recall": "border recall", "f_touching": "F touching"}
FIELD_COLUMNS = {
    "mae": "MAE stretched",
    "f_max": "F max",
    "f_mean": "F mean",
    "f_adaptive": "F adaptive",
    "f_weighted": "F weighted",
    "s_measure": "S",
    "e_max": "E max",
    "e_mean": "E mean",
    "e_adaptive": "E adaptive",
}


def percent(value: float) -> str:
    """A figure as every table shows it: 0.1234 as 12.34."""
    return f"{100 * value:.2f}"


def percentages(
    scores: Scores | FieldScores, columns: Mapping[str, str] = COLUMNS, absent: str = "-"
) -> list[str]:
    """Formats the figures that `columns` names, in its order; `absent` where one is None."""
    values = (getattr(scores, name) for name in columns)
    return [absent if value is None else percent(value) for value in values]


def shown_columns(figures: Sequence[Figures]) -> dict[str, str]:
    """`COLUMNS`, and those of `BORDER_COLUMNS` of which one of the figures at least has a value."""
    named = {name for each in figures for name in each.scores.named()}
    return COLUMNS | {name: title for name, title in BORDER_COLUMNS.items() if name in named}


def oracle_note(oracle: str) -> str:
    """What must stand behind the name of whatever trained on truth, by its `--oracle`."""
    return "" if oracle in ("", "none") else f" (oracle: {oracle}, trained on truth masks)"


def table_text(rows: Sequence[Figures]) -> str:
    """Lays a run's stages out for a console, held-out photos first, in percent, in `COLUMNS`."""
    lines = []
    for split, title in SPLITS.items():
        part = [row for row in rows if row.subject.split == split]
        if not part:
            continue
        width = max(len(row.name) for row in part)
        lines.append(f"{title} ({part[0].scores.count}), in %")
        lines.append(" ".join([" " * width, *(f"{name:>9}" for name in COLUMNS.values())]))
        for row in part:
            cells = (f"{cell:>9}" for cell in percentages(row.scores))
            lines.append(" ".join([f"{row.name:<{width}}", *cells]))
        lines.append("")
    return "\n".join(lines)


def evaluation_text(figures: Sequence[Figures]) -> str:
    """Lays the figures of an evaluation out for a console, an output a column, in percent.

    Args:
        figures: by both scorers, of outputs of one thing; not empty.
    """
    subject, count = figures[0].subject, figures[0].scores.count

    def lines(part: str, columns: Mapping[str, str]) -> list[str]:
        cells = [percentages(getattr(each, part), columns) for each in figures]
        named = zip(columns.values(), *cells, strict=True)
        return [" ".join([f"{name:<14}", *(f"{cell:>16}" for cell in row)]) for name, *row in named]

    return "\n".join(
        [
            f"{subject.test_set} ({count} photos, at {subject.resolution}), in %"
            f"{oracle_note(subject.oracle)}",
            " ".join([f"{'':<14}", *(f"{each.name:>16}" for each in figures)]),
            *lines("scores", shown_columns(figures)),
            "by py_sod_metrics:",
            *lines("field", FIELD_COLUMNS),
            "",
        ]
    )


def csv_text(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Writes a table as CSV, a line a row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    return text.getvalue()


def stages_csv(rows: Sequence[Figures]) -> str:
    """Lays a run's stages out as CSV, in percent."""
    identity, columns = ("method", "stage", "output", "split"), shown_columns(rows)
    return csv_text(
        [*identity, "photos", *columns.values()],
        (
            [*_cells(row, identity), row.scores.count, *percentages(row.scores, columns, "")]
            for row in rows
        ),
    )


def evaluation_csv(figures: Sequence[Figures]) -> str:
    """Lays evaluations out as CSV, in percent."""
    identity, notes = ("test_set", "output", "resolution"), ("scored", "oracle", "crf")
    columns = shown_columns(figures)
    return csv_text(
        [*identity, "photos", *columns.values(), *FIELD_COLUMNS.values(), *notes],
        (
            [
                *(*_cells(each, identity), each.scores.count),
                *percentages(each.scores, columns, ""),
                *percentages(each.field, FIELD_COLUMNS),
                *_cells(each, notes),
            ]
            for each in figures
        ),
    )


def _cells(figures: Figures, names: Sequence[str]) -> list[object]:
    line = figures.as_line()
    return [line[name] for name in names]
