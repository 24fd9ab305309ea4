"""The stage table: how good maps, labels and predictions are at every stage of a run."""

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from data_prep.base.errors import damage_named
from data_prep.base.files import write_text
from deepusps_tf.runs.round_result import JOINT, round_folders
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.settings.config import Config

SCORES = "scores.json"
SPLITS = {"test": "held-out photos", "train": "training photos"}  # in the order of tables
COLUMNS = ("MAE", "F 0.5", "F 2xmean", "precision", "recall")


@dataclasses.dataclass(frozen=True)
class StageRow:
    """One line of the table.

    Attributes:
        method: `rbd` and so on, `joint` or `fusion`.
        stage: 0 for the handcrafted map, then the round's number.
        output: what was scored: `map`, `prediction`, `prediction + CRF` or `labels`.
        split: of the photos it was scored on: `train` or `test`.
        scores: the figures.
    """

    method: str
    stage: int
    output: str
    split: str
    scores: Scores

    @property
    def name(self) -> str:
        """What the table calls the row."""
        if self.stage == 0:
            return f"{self.method} handcrafted map"
        where = self.method if self.method == "fusion" else f"{self.method} round {self.stage}"
        return f"{where} {self.output}"


def scored(folder: Path, score: Callable[[], list[StageRow]]) -> list[StageRow]:
    """Returns the rows kept in `folder`, or makes and keeps them there."""
    path = folder / SCORES
    if path.is_file():
        return read_rows(path)
    rows = score()
    folder.mkdir(parents=True, exist_ok=True)
    write_text(str(path), rows_json(rows))
    return rows


def rows_json(rows: Sequence[StageRow]) -> str:
    """Serialises rows for `read_rows`."""
    return json.dumps([dataclasses.asdict(row) for row in rows], indent=2) + "\n"


def read_rows(path: Path) -> list[StageRow]:
    """Reads rows that `rows_json` wrote.

    Raises:
        InputError: where the file is damaged.
    """
    with damage_named(path, "delete it and run the same command again"):
        lines = json.loads(path.read_text(encoding="utf-8"))
        return [StageRow(**{**line, "scores": Scores(**line["scores"])}) for line in lines]


def collect_rows(config: Config) -> list[StageRow]:
    """Reads the rows of every stage scored so far in a workdir, in the order of the schedule.

    Rounds are those of the run that `refined` names, where it names one that is still there and
    scored them on the same photos at the same size.
    """
    rows = []
    for method in config.methods:
        maps = kept_rows(Path(config.workdir) / method / "round0")
        run = Path(config.refined or config.workdir)
        rounds = [
            row for folder in round_folders(run, method, config.rounds) for row in kept_rows(folder)
        ]
        if config.refined:
            splits = _scored_alike(maps, kept_rows(run / method / "round0"))
            rounds = [row for row in rounds if row.split in splits]
        rows += maps + rounds
    joint = round_folders(Path(config.workdir), JOINT, config.joint)
    for folder in (*joint, Path(config.workdir) / "fusion"):
        rows += kept_rows(folder)
    return rows


def _scored_alike(maps: Sequence[StageRow], theirs: Sequence[StageRow]) -> set[str]:
    """The splits on which two runs score the same handcrafted maps the same."""
    return {
        own.split
        for own in maps
        for other in theirs
        if (own.split, own.scores.count) == (other.split, other.scores.count)
        and math.isclose(own.scores.mae, other.scores.mae, abs_tol=1e-5)  # on any device
    }


def kept_rows(folder: Path) -> list[StageRow]:
    """Reads the rows kept in a round's folder; none where it was not scored."""
    path = folder / SCORES
    return read_rows(path) if path.is_file() else []


def figures(scores: Scores) -> list[str]:
    """Formats the scores of a row in percent, in the order of `COLUMNS`."""
    values = (scores.mae, scores.f_fixed, scores.f_adaptive, scores.precision, scores.recall)
    return [f"{100 * value:.2f}" for value in values]


def table_text(rows: Sequence[StageRow]) -> str:
    """Lays the rows out for a console, test rows first; figures are percentages."""
    lines = []
    for split, title in SPLITS.items():
        part = [row for row in rows if row.split == split]
        if not part:
            continue
        width = max(len(row.name) for row in part)
        lines.append(f"{title} ({part[0].scores.count}), in %")
        lines.append(" ".join([" " * width, *(f"{name:>9}" for name in COLUMNS)]))
        for row in part:
            cells = (f"{cell:>9}" for cell in figures(row.scores))
            lines.append(" ".join([f"{row.name:<{width}}", *cells]))
        lines.append("")
    return "\n".join(lines)
