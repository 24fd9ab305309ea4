"""The paper's tables: experiments by test sets, with mean and spread over repeated trainings."""

import dataclasses
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from data_prep.base.errors import InputError
from data_prep.base.places import place
from deepusps_tf.runs.workdir import experiment_folder
from deepusps_tf.scoring.figures import Evaluation, Figures, network_size
from deepusps_tf.scoring.layout import BORDER_COLUMNS, csv_text, oracle_note, percent
from deepusps_tf.scoring.scores import MAP, PLAIN, REFINED
from deepusps_tf.scoring.store import kept_evaluation, kept_rows
from deepusps_tf.settings.config import Config, settings_of_an_experiment
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.places import RUN_FLAGFILE, runs_in
from deepusps_tf.settings.setting import declared

_CAPTION = """\
In %. F: beta^2 = 0.3, of networks cut at 0.5, of maps made elsewhere at twice their mean; mean of \
images. After the CRF where there is one and --nocrf was not given.
±: sample standard deviation (n - 1) over the runs of the row above.
"""
_CSV_COLUMNS = ("experiment", "runs", "test_set", "photos", "resolution", "output", "F cut at")


class Column(NamedTuple):
    """A test set, and what else makes figures on it comparable.

    Attributes:
        name: of the set.
        count: of its photos.
        resolution: at which it was scored, as in `Evaluation`.
    """

    name: str
    count: int
    resolution: str

    def __str__(self) -> str:
        return f"{self.name} ({self.count} photos, at {self.resolution})"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One experiment on one test set: the output that was scored, and the figures of each run.

    Those of the border, as in `Scores`, are empty where one of the runs does not have them.
    """

    output: str
    f: tuple[float, ...]
    mae: tuple[float, ...]
    border_recall: tuple[float, ...] = ()
    f_touching: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Row:
    """One experiment: its name, with a note where it trained on truth, its runs and its cells."""

    name: str
    runs: int
    cells: dict[Column, Cell]


@dataclasses.dataclass(frozen=True)
class _Run:
    folder: Path
    name: str
    experiment: tuple  # equal in repeats of one experiment
    seed: int | None
    figures: dict[Column, dict[str, Figures]]  # by output


def compare(workdirs: Sequence[Path], *, crf: bool) -> list[Row]:
    """Reads the figures of runs and groups repeats, runs that differ in nothing but the seed.

    A run has the figures of its training on the test photos of its records, and those that
    `--mode=evaluate` kept.

    Args:
        workdirs: runs, folders of repeats, or folders that `--mode=evaluate` wrote figures to;
            they give the order of the rows.
        crf: whether to take predictions after the CRF, where there are such.

    Raises:
        InputError: naming a folder without figures, one that is given twice, and a repeat that was
            not scored on a test set of the others.
    """
    groups: dict[tuple, list[_Run]] = {}
    for run in (run for workdir in workdirs for run in _read(workdir)):
        groups.setdefault(run.experiment, []).append(run)
    return [_row(runs, crf) for runs in groups.values()]


def _read(workdir: Path) -> list[_Run]:
    figures = kept_evaluation(workdir)
    if figures and not (workdir / RUN_FLAGFILE).is_file():
        notes = dict.fromkeys(oracle_note(each.subject.oracle) for each in figures)
        name = workdir.resolve().name + "".join(notes)
        return [_Run(workdir, name, (workdir.resolve(),), None, _by_column(figures))]
    return [_read_run(folder) for folder in runs_in(workdir)]


def _read_run(folder: Path) -> _Run:
    config = read_flagfile(folder / RUN_FLAGFILE)
    figures = [*_training_figures(folder, config), *kept_evaluation(folder)]
    if not figures:
        raise InputError(f"{folder}: has no figures; finish it, then --mode=evaluate it on masks")
    name = (config.experiment or folder.resolve().name) + oracle_note(config.oracle)
    return _Run(folder, name, _experiment(config), config.seed, _by_column(figures))


def _training_figures(folder: Path, config: Config) -> list[Figures]:
    """Those that a run's training kept on its records' test photos, as of an evaluation on them."""
    subject = Evaluation(Path(config.records).name, network_size(config.size), oracle=config.oracle)
    return [
        dataclasses.replace(row, subject=subject)
        for row in kept_rows(folder / "fusion")
        if row.subject.split == "test"
    ]


def _experiment(config: Config) -> tuple:
    """The settings that repeats share; their records stand for what these were made of."""
    if config.refined:  # each repeat may have taken the labels of another
        config = dataclasses.replace(config, refined=experiment_folder(config.refined))
    fields = {field.name: field for field in dataclasses.fields(config)}
    values = ((name, getattr(config, name)) for name in settings_of_an_experiment())
    return tuple(
        (name, place(value) if value and declared(fields[name]).path else value)
        for name, value in values
    )


def _by_column(figures: Sequence[Figures]) -> dict[Column, dict[str, Figures]]:
    """Groups figures; the last of an output counts."""
    columns: dict[Column, dict[str, Figures]] = {}
    for each in figures:
        key = Column(each.subject.test_set, each.scores.count, each.subject.resolution)
        columns.setdefault(key, {})[each.output] = each
    return columns


def _row(runs: Sequence[_Run], crf: bool) -> Row:
    by_seed: dict[int | None, _Run] = {}
    for run in runs:
        if run.seed in by_seed:
            raise InputError(
                f"{by_seed[run.seed].folder} and {run.folder}: the same run twice; leave one of "
                "them out, or give one another --experiment"
            )
        by_seed[run.seed] = run
    columns = dict.fromkeys(column for run in runs for column in run.figures)
    for column in columns:
        for run in runs:
            if column not in run.figures:
                raise InputError(
                    f"{run.folder}: has no figures on {column}, as another run of its row has; "
                    "--mode=evaluate it there or leave it out"
                )
    return Row(runs[0].name, len(runs), {column: _cell(runs, column, crf) for column in columns})


def _cell(runs: Sequence[_Run], column: Column, crf: bool) -> Cell:
    wanted = (REFINED, PLAIN, MAP) if crf else (PLAIN, MAP)
    there = {output for run in runs for output in run.figures[column]}
    output = next(output for output in wanted if output in there)
    for run in runs:
        if output not in run.figures[column]:
            raise InputError(
                f"{run.folder}: has no figures of {output} on {column}, as another run of its row "
                "has; --mode=evaluate it there or leave it out"
            )
    figures = [run.figures[column][output] for run in runs]
    at_border = {
        name: tuple(getattr(each.scores, name) for each in figures) for name in BORDER_COLUMNS
    }
    return Cell(
        output,
        f=tuple(each.paper_f for each in figures),
        mae=tuple(each.scores.mae for each in figures),
        **{name: values for name, values in at_border.items() if None not in values},
    )


def markdown(rows: Sequence[Row]) -> str:
    """Lays a comparison out as the paper does, a line of means and, of repeats, one of spreads."""
    columns = _columns(rows)
    lines = [
        ["Models", *(text for column in columns for text in (str(column), ""))],
        ["---", *["---:"] * (2 * len(columns))],
        ["", *["F ↑", "MAE ↓"] * len(columns)],
    ]
    for row in rows:
        cells = [row.cells.get(column) for column in columns]
        lines.append([row.name, *(text for cell in cells for text in _means(cell))])
        if row.runs > 1:
            lines.append([f"± ({row.runs} runs)", *(t for cell in cells for t in _spreads(cell))])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n{_CAPTION}"


def table_csv(rows: Sequence[Row]) -> str:
    """Lays a comparison out as CSV: a line for each experiment on each test set.

    It alone has the figures of the border, where there are any: side by side in Markdown, test sets
    of four columns would be too wide to read.
    """
    cells = [cell for row in rows for cell in row.cells.values()]
    columns = {"f": "F", "mae": "MAE"} | {
        name: title
        for name, title in BORDER_COLUMNS.items()
        if any(getattr(cell, name) for cell in cells)
    }
    lines = []
    for row in rows:
        for column, cell in row.cells.items():
            cut = "2 x mean" if cell.output == MAP else "0.5"
            values = (getattr(cell, name) for name in columns)
            figures = [text for each in values for text in (_mean(each), _spread(each))]
            lines.append([row.name, row.runs, *column, cell.output, cut, *figures])
    titles = [text for title in columns.values() for text in (title, f"{title} sd")]
    return csv_text([*_CSV_COLUMNS, *titles], lines)


def _columns(rows: Sequence[Row]) -> list[Column]:
    return list(dict.fromkeys(column for row in rows for column in row.cells))


def _means(cell: Cell | None) -> tuple[str, str]:
    """F and MAE in percent; a dash where an experiment was not scored there."""
    if cell is None:
        return "-", "-"
    return _mean(cell.f), _mean(cell.mae)


def _spreads(cell: Cell | None) -> tuple[str, str]:
    """Their sample standard deviations; nothing where there is no cell."""
    return ("", "") if cell is None else (_spread(cell.f), _spread(cell.mae))


def _mean(values: Sequence[float]) -> str:
    """In percent; nothing where there are no values."""
    return percent(statistics.fmean(values)) if values else ""


def _spread(values: Sequence[float]) -> str:
    """The sample standard deviation (n - 1) in percent; nothing where there is one run."""
    return percent(statistics.stdev(values)) if len(values) > 1 else ""
