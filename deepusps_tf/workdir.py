"""A run's folder: its settings, and a lock that dies with its holder."""

import contextlib
import dataclasses
import fcntl
from collections.abc import Iterator
from pathlib import Path

from data_prep.errors import InputError
from deepusps_tf.config import Config, read_flagfile

SETTINGS = "config.flags"
# May differ when a run is resumed: they change where and how fast it runs, not what comes out.
FREE_SETTINGS = {"mode", "jobs", "crf_processes", "devices", "model", "output"}


@contextlib.contextmanager
def locked_workdir(config: Config) -> Iterator[Path]:
    """Makes or takes over the workdir of a run and keeps others out of it.

    Raises:
        InputError: where another process runs in it, or it holds a run of other settings.
    """
    workdir = Path(config.workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    with (workdir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{workdir}: another run is under way here; wait for it or choose --workdir"
            ) from error
        _check_settings(config, workdir / SETTINGS)
        yield workdir


def _check_settings(config: Config, path: Path) -> None:
    if path.is_file():
        saved = read_flagfile(path)
        for field in dataclasses.fields(Config):
            old, new = getattr(saved, field.name), getattr(config, field.name)
            if old != new and field.name not in FREE_SETTINGS:
                raise InputError(
                    f"{path}: that run has --{field.name}={old}, this one {new}; "
                    "choose another --workdir or delete that one"
                )
        return
    partial = path.with_suffix(".tmp")
    config.save(partial)
    partial.replace(path)
