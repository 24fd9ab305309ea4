"""How far a run is, read from what lies in its workdir; no lock is taken and nothing is written."""

import dataclasses
import json
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.records.format import read_manifest
from deepusps_tf.runs.chosen import training_records
from deepusps_tf.runs.job_files import PROGRESS
from deepusps_tf.runs.round_result import (
    JOINT,
    is_finished,
    is_stable,
    read_figures,
    round_folders,
)
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.places import exported_versions
from deepusps_tf.training.final_training import FUSION
from deepusps_tf.training.rounds import epochs_for


@dataclasses.dataclass(frozen=True)
class Stage:
    """A round, or fusion.

    Attributes:
        name: its folder in the workdir.
        epochs: how many it has.
        done: how many of them are whole; all of a finished stage.
        finished: whether its result is there.
        work: what an epoch of it costs, in pixels.
    """

    name: str
    epochs: int
    done: int
    finished: bool
    work: float


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        stages: all of them, in order.
        running: whether a process trains it now; None: not known.
        exported: whether its model is there.
        minutes_left: of a run under way, as it says itself; None: not known.
    """

    stages: tuple[Stage, ...]
    running: bool | None
    exported: bool
    minutes_left: float | None

    @property
    def current(self) -> int | None:
        """The place of the first stage that is not finished, from 0; None: all are."""
        unfinished = (place for place, stage in enumerate(self.stages) if not stage.finished)
        return next(unfinished, None)

    @property
    def share(self) -> float:
        """How much of the work is done, in [0, 1]."""
        done = sum(stage.work * stage.done for stage in self.stages)
        return done / sum(stage.work * stage.epochs for stage in self.stages)


def read_progress(config: Config) -> Progress:
    """Reads how far a run is.

    Args:
        config: of the run, as `saved_run` gives it.

    Raises:
        InputError: its files are damaged.
    """
    workdir = Path(config.workdir)
    stages = tuple(_stages(config, workdir))
    running = is_locked(workdir / ".lock")
    return Progress(
        stages,
        running,
        bool(exported_versions(workdir / "export")),
        minutes_left(workdir) if running else None,
    )


def minutes_left(workdir: Path) -> float | None:
    """What a run last said of the minutes that it takes still; None where it said nothing."""
    try:
        return json.loads((workdir / PROGRESS).read_text(encoding="utf-8"))["seconds_left"] / 60
    except (OSError, ValueError, KeyError):
        return None  # of an older version


def is_locked(lock: Path) -> bool | None:
    """Whether a process holds a lock, as the system lists it; None where it lists none."""
    if not lock.exists():
        return False
    try:
        inode = lock.stat().st_ino
        held = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    return any(f":{inode} " in line and "FLOCK" in line for line in held.splitlines())


def _stages(config: Config, workdir: Path) -> list[Stage]:
    count = _photos(config)
    common = {"photos": count, "batch_size": config.batch_size}
    epochs = epochs_for(epochs=config.epochs, steps=config.min_steps, **common)
    last = epochs_for(epochs=config.fusion_epochs, steps=config.fusion_min_steps, **common)
    stages = []
    if config.refines and not config.refined:
        for method in config.method_names:
            for number, folder in enumerate(round_folders(workdir, method, config.rounds), 1):
                stages.append(_stage(folder, workdir, epochs, config.in_rounds.size))
                stable = stages[-1].finished and config.until_stable
                if stable and is_stable(number, read_figures(folder).change, config.until_stable):
                    break
    final = (*round_folders(workdir, JOINT, config.joint), workdir / FUSION)
    return [*stages, *(_stage(folder, workdir, last, config.size) for folder in final)]


def _stage(folder: Path, workdir: Path, epochs: int, side: int) -> Stage:
    name, work = folder.relative_to(workdir).as_posix(), float(side * side)
    if is_finished(folder):
        return Stage(name, epochs, epochs, True, work)
    committed = sorted((folder / "checkpoints").glob("epoch-[0-9][0-9][0-9][0-9]"))
    done = int(committed[-1].name.removeprefix("epoch-")) if committed else 0
    return Stage(name, epochs, min(done, epochs), False, work)


def _photos(config: Config) -> int:
    """How many photos a run trains on."""
    stem = f"{training_records(config)}/train/images"
    try:
        return read_manifest(stem).count
    except InputError as error:
        raise InputError(f"{error} (the run in {config.workdir} was made of them)") from None
