"""A run's folder: its settings, and its lock."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from data_prep.base.folder_lock import locked_folder
from data_prep.base.places import place, same_place
from data_prep.methods.names import entries_anywhere
from data_prep.records.layout import PREPARED
from data_prep.records.source import moved
from deepusps_tf.runs.round_result import is_finished, round_folders
from deepusps_tf.settings.config import Config, settings_that_change
from deepusps_tf.settings.flagfile import flagfile_text, read_flagfile
from deepusps_tf.settings.places import RUN_FLAGFILE, STARTED_IN, runs_in
from deepusps_tf.settings.setting import declared

# May differ when a run is resumed: they change where and how fast it runs and what it says, not
# what comes out.
FREE_SETTINGS = frozenset(settings_that_change("scoring", "nothing"))
# What shapes a round's labels, of which a run that takes another's says where it differs.
LABEL_SETTINGS = settings_that_change("labels")


@contextlib.contextmanager
def locked_workdir(config: Config) -> Iterator[Path]:
    """Makes or takes over the workdir of a run and keeps others out of it.

    Raises:
        InputError: where another process runs in it, or it holds a run of other settings.
    """
    with locked_folder(Path(config.workdir), "wait for it or choose --workdir") as workdir:
        _check_settings(config, workdir / RUN_FLAGFILE)
        yield workdir


def check_joined(config: Config) -> None:
    """Finds what would keep a worker from joining the run that the chief has begun.

    Raises:
        InputError: where its settings are others, or its workdir is not the chief's.
    """
    path = Path(config.workdir) / RUN_FLAGFILE
    if not path.is_file():
        raise InputError(f"{path}: not there; give every worker the --workdir that all of them see")
    _check_settings(config, path)


def save_settings(config: Config) -> None:
    """Keeps the settings in the workdir, once they have proved usable.

    Where paths are relative, a comment names the folder that they start from.
    """
    text, path = flagfile_text(config), Path(config.workdir) / RUN_FLAGFILE
    if path.is_file() and path.read_text(encoding="utf-8").endswith(f"\n{text}"):
        return  # the same but for that comment, which is of where the run began
    if any(each and not _is_absolute(each) for each in _paths(config).values()):
        text = f"{STARTED_IN}{Path.cwd()}\n{text}"
    write_text(str(path), text)


def saved_run(config: Config) -> Config:
    """Reads the settings of the run in `config.workdir`, for modes that use what it left.

    Args:
        config: its workdir, compare and crf_processes count, and its records where they are named.

    Raises:
        InputError: where the workdir holds no run, or several.
    """
    workdir = Path(config.workdir)
    path = workdir / RUN_FLAGFILE
    if not path.is_file():
        repeats = runs_in(workdir)
        raise InputError(
            f"{workdir}: holds {len(repeats)} repeats; give one of them, such as {repeats[0]}"
        )
    saved = read_flagfile(path)
    return dataclasses.replace(
        saved,
        workdir=config.workdir,
        records=config.records or _found(saved.records, _within(path)),
        compare=config.compare,
        crf_processes=config.crf_processes,
    )


def repeat_runs(config: Config) -> list[Config]:
    """Lists the runs of a training: itself, or each of its `--repeats` with a seed of its own.

    Where `--refined` holds repeats too, each takes the labels of its namesake there.

    Raises:
        InputError: where the workdir of several holds a run of its own.
    """
    if config.repeats == 1:
        return [config]
    workdir = Path(config.workdir)
    if (workdir / RUN_FLAGFILE).is_file():
        raise InputError(f"{workdir}: holds one run; choose another --workdir for --repeats")
    shared = dataclasses.replace(
        config, repeats=1, experiment=config.experiment or workdir.resolve().name
    )
    return [
        dataclasses.replace(
            shared,
            workdir=str(workdir / name),
            refined=_refined_for(config.refined, name),
            seed=config.seed + number,
        )
        for number, name in enumerate(f"repeat{n + 1}" for n in range(config.repeats))
    ]


def _refined_for(refined: str | None, repeat: str) -> str | None:
    """The run whose labels a repeat takes: its namesake, where `refined` holds repeats too."""
    if refined is None or (Path(refined) / RUN_FLAGFILE).is_file():
        return refined
    return str(Path(refined) / repeat)


def experiment_folder(run: str) -> str:
    """The folder that a run's repeats share: that above a repeat, of another run its own."""
    path = Path(run)
    return str(path.parent if re.fullmatch(r"repeat\d+", path.name) else path)


def rounds_note(config: Config) -> str:
    """Says whether the rounds that a run shows are another run's or of another network."""
    return " ".join(filter(None, (_network_note(config), _refined_note(config))))


def _network_note(config: Config) -> str:
    rounds, notes = config.in_rounds, []
    labelling = config.in_joint_rounds.backbone
    if rounds.size != config.size:
        notes.append(
            f"Handcrafted maps and the methods' rounds are at {rounds.size}x{rounds.size}, joint "
            f"rounds and fusion at {config.size}x{config.size}."
        )
    if labelling != config.backbone:
        notes.append(f"Rounds train {labelling}, the fused network is {config.backbone}.")
    return " ".join(notes)


def _refined_note(config: Config) -> str:
    if not config.refined:
        return ""
    refined = Path(config.refined)
    if not is_finished(round_folders(refined, config.method_names[0], 1)[0]):
        return f"Labels were refined in {refined}, which is no longer there: no round shows."
    note = (
        f"The rounds are those of {refined}, whose labels this run took; figures on other "
        "photos or at another size are left out."
    )
    if not (refined / RUN_FLAGFILE).is_file():
        return note  # a copy of its rounds alone
    theirs, own = (_label_settings(run) for run in (read_flagfile(refined / RUN_FLAGFILE), config))
    others = [
        f"--{name}={theirs[name]} for {own[name]}" for name in own if theirs[name] != own[name]
    ]
    return f"{note} They had {', '.join(others)}." if others else note


def _label_settings(config: Config) -> dict[str, str]:
    """`LABEL_SETTINGS` as flags have them; of the learning rates those of rounds that are run."""
    rates = config.learning_rates[: config.rounds]
    run = dataclasses.replace(config.in_rounds, learning_rates=rates)
    values = {name: getattr(run, name) for name in LABEL_SETTINGS}
    return {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
    }


def _check_settings(config: Config, path: Path) -> None:
    """Refuses settings that are not those of the run at a path, by whatever spelling."""
    if not path.is_file():
        return
    saved, within = read_flagfile(path), _within(path)
    for name in (field.name for field in dataclasses.fields(Config)):
        old, new = getattr(saved, name), getattr(config, name)
        if name not in FREE_SETTINGS and not _is_same(name, saved, config, within):
            moved_on = _moved(saved, config, name, within)
            mend = moved_on or "choose another --workdir or delete that one"
            raise InputError(f"{path}: that run has --{name}={old}, this one {new}; {mend}")


def _is_same(name: str, saved: Config, config: Config, within: str) -> bool:
    """Whether a run's setting is that of another, by whatever spelling."""
    old, new = getattr(saved, name), getattr(config, name)
    if old == new:
        return True
    if name == "recursive":
        return saved.walks == config.walks
    if name == "methods":
        return entries_anywhere(old) == entries_anywhere(new)
    if name not in _paths(saved):
        return False
    moved_here = name == "workdir" and not Path(place(old, within)).exists()
    return moved_here or same_place(old, new, within=within)


def _paths(config: Config) -> dict[str, str | None]:
    """The settings, by name, that a run keeps and that name places."""
    fields = [field for field in dataclasses.fields(config) if declared(field).path]
    return {
        field.name: getattr(config, field.name)
        for field in fields
        if field.name not in FREE_SETTINGS
    }


def _is_absolute(path: str) -> bool:
    return "://" in path or Path(path).is_absolute()


def _within(path: Path) -> str:
    """The folder that the relative paths of a run's flagfile start from; empty: not said."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix(STARTED_IN) if first.startswith(STARTED_IN) else ""


def _found(folder: str, within: str) -> str:
    """A folder as a run has it, or from where its relative paths start if it is there alone."""
    if "://" in folder or Path(folder).exists() or not Path(within, folder).exists():
        return folder
    return str(Path(within, folder))


def _moved(saved: Config, config: Config, name: str, within: str) -> str:
    """What to do where photos or masks were moved since a run was made; else empty."""
    old, new = getattr(saved, name), getattr(config, name)
    if not old or not declared(Config.__dataclass_fields__[name]).local:
        return ""
    prepared = Path(config.records) / PREPARED
    return moved(old, new, prepared, within=within, recursive=config.walks)
