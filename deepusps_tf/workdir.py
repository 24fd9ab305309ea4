"""A run's folder: its settings, and its lock."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from data_prep.errors import InputError
from data_prep.folder_lock import locked_folder
from deepusps_tf.config import Config, read_flagfile
from deepusps_tf.records import write_text

SETTINGS = "config.flags"
# May differ when a run is resumed: they change where and how fast it runs, not what comes out.
FREE_SETTINGS = {
    *("mode", "jobs", "crf_processes", "crf_cache", "devices"),
    *("model", "output", "maps", "test_set", "compare", "format", "prediction"),
}


@contextlib.contextmanager
def locked_workdir(config: Config) -> Iterator[Path]:
    """Makes or takes over the workdir of a run and keeps others out of it.

    Raises:
        InputError: where another process runs in it, or it holds a run of other settings.
    """
    with locked_folder(Path(config.workdir), "wait for it or choose --workdir") as workdir:
        _check_settings(config, workdir / SETTINGS)
        yield workdir


def save_settings(config: Config) -> None:
    """Keeps the settings in the workdir, once they have proved usable."""
    write_text(str(Path(config.workdir) / SETTINGS), config.to_flagfile())


def saved_run(config: Config) -> Config:
    """Reads the settings of the run in `config.workdir`, for modes that use what it left.

    Args:
        config: its workdir and compare count, and its records where they are named.

    Raises:
        InputError: where the workdir holds no run.
    """
    path = Path(config.workdir) / SETTINGS
    if not path.is_file():
        raise InputError(f"{config.workdir}: holds no run; make one with --mode=train")
    saved = read_flagfile(path)
    records = config.records or saved.records
    return dataclasses.replace(
        saved, workdir=config.workdir, records=records, compare=config.compare
    )


def _check_settings(config: Config, path: Path) -> None:
    if not path.is_file():
        return
    saved = read_flagfile(path)
    for field in dataclasses.fields(Config):
        old, new = getattr(saved, field.name), getattr(config, field.name)
        if old != new and field.name not in FREE_SETTINGS:
            raise InputError(
                f"{path}: that run has --{field.name}={old}, this one {new}; "
                "choose another --workdir or delete that one"
            )
