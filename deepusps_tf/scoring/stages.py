"""The stage table of a run: the figures that its rounds kept, put together."""

import math
from collections.abc import Sequence
from pathlib import Path

from deepusps_tf.runs.round_result import JOINT, round_folders
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.store import kept_rows
from deepusps_tf.settings.config import Config


def collect_rows(config: Config) -> list[Figures]:
    """Reads the figures of every stage scored so far in a workdir, in the order of the schedule.

    Rounds are those of the run that `refined` names, where it names one that is still there and
    scored them on the same photos at the same size.
    """
    rows = []
    for method in config.method_names:
        maps = kept_rows(Path(config.workdir) / method / "round0")
        run = Path(config.refined or config.workdir)
        rounds = [
            row for folder in round_folders(run, method, config.rounds) for row in kept_rows(folder)
        ]
        if config.refined:
            splits = _scored_alike(maps, kept_rows(run / method / "round0"))
            rounds = [row for row in rounds if row.subject.split in splits]
        rows += maps + rounds
    joint = round_folders(Path(config.workdir), JOINT, config.joint)
    for folder in (*joint, Path(config.workdir) / "fusion"):
        rows += kept_rows(folder)
    return rows


def _scored_alike(maps: Sequence[Figures], theirs: Sequence[Figures]) -> set[str]:
    """The splits on which two runs score the same handcrafted maps the same."""
    return {
        own.subject.split
        for own in maps
        for other in theirs
        if (own.subject.split, own.scores.count) == (other.subject.split, other.scores.count)
        and math.isclose(own.scores.mae, other.scores.mae, abs_tol=1e-5)  # on any device
    }
