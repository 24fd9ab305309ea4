"""How far a run is, read from what lies in its workdir; no lock is taken and nothing is written."""

import dataclasses
from pathlib import Path
from statistics import median

from data_prep.base.errors import InputError
from data_prep.records.format import read_manifest
from deepusps_tf.runs.chosen import training_records
from deepusps_tf.runs.round_result import (
    JOINT,
    RESULT,
    is_finished,
    is_stable,
    read_figures,
    round_folders,
)
from deepusps_tf.runs.training_time import TRAINING
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
        ended: when its newest epoch, or the stage, ended, in seconds of the clock; None: not yet.
    """

    name: str
    epochs: int
    done: int
    finished: bool
    work: float
    ended: float | None


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        stages: all of them, in order.
        running: whether a process trains it now; None: not known.
        exported: whether its model is there.
        minutes_left: of the training, as long as epochs took until now; None: not known.
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
    began = workdir / TRAINING
    since = began.stat().st_mtime if began.is_file() else None
    return Progress(
        stages,
        is_locked(workdir / ".lock"),
        bool(exported_versions(workdir / "export")),
        minutes_left(stages, since),
    )


def minutes_left(stages: tuple[Stage, ...], since: float | None) -> float | None:
    """How long the rest takes, if its pixels take as long as those of the latest epochs.

    Args:
        stages: all of them.
        since: when the process that trains began, in seconds of the clock; what lies before it is
            not measured, as the run may have been stopped then.

    Returns:
        Minutes; None where nothing was measured yet.
    """
    before, rates = since, []
    for stage in stages:
        if before is not None and stage.ended is not None and stage.ended > before:
            rates.append((stage.ended - before) / (stage.work * max(stage.done, 1)))
            before = stage.ended
    if not rates:
        return None
    left = sum(stage.work * (stage.epochs - stage.done) for stage in stages)
    return median(rates[-3:]) * left / 60


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
        return Stage(name, epochs, epochs, True, work, (folder / RESULT).stat().st_mtime)
    committed = sorted((folder / "checkpoints").glob("epoch-[0-9][0-9][0-9][0-9]"))
    if not committed:
        return Stage(name, epochs, 0, False, work, None)
    try:
        ended = committed[-1].stat().st_mtime
    except FileNotFoundError:  # a newer one has just taken its place
        ended = None
    done = min(int(committed[-1].name.removeprefix("epoch-")), epochs)
    return Stage(name, epochs, done, False, work, ended)


def _photos(config: Config) -> int:
    """How many photos a run trains on."""
    stem = f"{training_records(config)}/train/images"
    try:
        return read_manifest(stem).count
    except InputError as error:
        raise InputError(f"{error} (the run in {config.workdir} was made of them)") from None
