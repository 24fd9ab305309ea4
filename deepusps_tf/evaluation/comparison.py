"""The paper's tables: experiments by test sets, with mean and spread over repeated trainings."""

import csv
import dataclasses
import io
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from data_prep.base.errors import InputError
from deepusps_tf.evaluation.folders import MAP
from deepusps_tf.runs.workdir import FREE_SETTINGS, SETTINGS, experiment_folder, runs_in
from deepusps_tf.scoring.scores import PLAIN, REFINED, Scores
from deepusps_tf.scoring.stages import kept_rows
from deepusps_tf.scoring.store import Scorecard, oracle_note, read_cards
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import read_flagfile

_CAPTION = """\
In %. F: beta^2 = 0.3, of networks cut at 0.5, of maps made elsewhere at twice their mean; mean of \
images. After the CRF where there is one and --nocrf was not given.
±: sample standard deviation (n - 1) over the runs of the row above.
"""
_CSV_COLUMNS = (
    *("experiment", "runs", "test_set", "photos", "resolution", "output", "F cut at"),
    *("F", "F sd", "MAE", "MAE sd"),
)


class Column(NamedTuple):
    """A test set, and what else makes figures on it comparable.

    Attributes:
        name: of the set.
        count: of its photos.
        resolution: at which it was scored, as in `Scorecard`.
    """

    name: str
    count: int
    resolution: str

    def __str__(self) -> str:
        return f"{self.name} ({self.count} photos, at {self.resolution})"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One experiment on one test set: the output that was scored, F and MAE of each run."""

    output: str
    f: tuple[float, ...]
    mae: tuple[float, ...]


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
    scores: dict[Column, dict[str, Scores]]  # by output


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
    cards = read_cards(workdir)
    if cards and not (workdir / SETTINGS).is_file():
        notes = dict.fromkeys(oracle_note(card.oracle) for card in cards)
        name = workdir.resolve().name + "".join(notes)
        return [_Run(workdir, name, (workdir.resolve(),), None, _by_set(cards))]
    return [_read_run(folder) for folder in runs_in(workdir)]


def _read_run(folder: Path) -> _Run:
    config = read_flagfile(folder / SETTINGS)
    scores: dict[Column, dict[str, Scores]] = {}
    resolution = f"{config.size}x{config.size}"
    for row in kept_rows(folder / "fusion"):
        if row.split == "test":
            key = Column(Path(config.records).name, row.scores.count, resolution)
            scores.setdefault(key, {})[row.output] = row.scores
    for column, outputs in _by_set(read_cards(folder)).items():
        scores.setdefault(column, {}).update(outputs)
    if not scores:
        raise InputError(f"{folder}: has no figures; finish it, then --mode=evaluate it on masks")
    name = (config.experiment or folder.resolve().name) + oracle_note(config.oracle)
    return _Run(folder, name, _experiment(config), config.seed, scores)


def _experiment(config: Config) -> tuple:
    """The settings that repeats share; their records stand for what these were made of."""
    made_of = {"images", "masks", "test_images", "test_masks", "holdout", "sample_size", "max_side"}
    apart = {"workdir", "seed", *made_of, *FREE_SETTINGS} - {"experiment"}
    if config.refined:  # each repeat may have taken the labels of another
        config = dataclasses.replace(config, refined=experiment_folder(config.refined))
    names = (field.name for field in dataclasses.fields(Config))
    return tuple((name, getattr(config, name)) for name in names if name not in apart)


def _by_set(cards: Sequence[Scorecard]) -> dict[Column, dict[str, Scores]]:
    scores: dict[Column, dict[str, Scores]] = {}
    for card in cards:
        key = Column(card.test_set, card.scores.count, card.resolution)
        scores.setdefault(key, {})[card.output] = card.scores
    return scores


def _row(runs: Sequence[_Run], crf: bool) -> Row:
    by_seed: dict[int | None, _Run] = {}
    for run in runs:
        if run.seed in by_seed:
            raise InputError(
                f"{by_seed[run.seed].folder} and {run.folder}: the same run twice; leave one of "
                "them out, or give one another --experiment"
            )
        by_seed[run.seed] = run
    columns = dict.fromkeys(column for run in runs for column in run.scores)
    for column in columns:
        for run in runs:
            if column not in run.scores:
                raise InputError(
                    f"{run.folder}: has no figures on {column}, as another run of its row has; "
                    "--mode=evaluate it there or leave it out"
                )
    return Row(runs[0].name, len(runs), {column: _cell(runs, column, crf) for column in columns})


def _cell(runs: Sequence[_Run], column: Column, crf: bool) -> Cell:
    wanted = (REFINED, PLAIN, MAP) if crf else (PLAIN, MAP)
    there = {output for run in runs for output in run.scores[column]}
    output = next(output for output in wanted if output in there)
    for run in runs:
        if output not in run.scores[column]:
            raise InputError(
                f"{run.folder}: has no figures of {output} on {column}, as another run of its row "
                "has; --mode=evaluate it there or leave it out"
            )
    scores = [run.scores[column][output] for run in runs]
    f = tuple(each.f_adaptive if output == MAP else each.f_fixed for each in scores)
    return Cell(output, f, tuple(each.mae for each in scores))


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


def csv_text(rows: Sequence[Row]) -> str:
    """Lays a comparison out as CSV: a line for each experiment on each test set."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for row in rows:
        for column, cell in row.cells.items():
            (f, mae), (f_sd, mae_sd) = _means(cell), _spreads(cell)
            figures = (f, f_sd, mae, mae_sd)
            cut = "2 x mean" if cell.output == MAP else "0.5"
            writer.writerow([row.name, row.runs, *column, cell.output, cut, *figures])
    return text.getvalue()


def _columns(rows: Sequence[Row]) -> list[Column]:
    return list(dict.fromkeys(column for row in rows for column in row.cells))


def _means(cell: Cell | None) -> tuple[str, str]:
    """F and MAE in percent; a dash where an experiment was not scored there."""
    if cell is None:
        return "-", "-"
    return tuple(f"{100 * statistics.fmean(values):.2f}" for values in (cell.f, cell.mae))


def _spreads(cell: Cell | None) -> tuple[str, str]:
    """The sample standard deviations (n - 1); nothing where there is one run."""
    if cell is None or len(cell.f) < 2:
        return "", ""
    return tuple(f"{100 * statistics.stdev(values):.2f}" for values in (cell.f, cell.mae))
