"""Keeps two processes out of one folder, with a lock that dies with its holder."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from data_prep.base.errors import InputError


@contextlib.contextmanager
def locked_folder(folder: Path, mend: str) -> Iterator[Path]:
    """Makes a folder and holds its lock; the system lets go of it when the process ends.

    Args:
        folder: the folder; gets a file `.lock`.
        mend: what the user of a folder that is locked can do.

    Raises:
        InputError: where another process holds the lock, or the folder cannot be written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(f"{folder}: cannot be used ({error.strerror}); {mend}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{folder}: another run is under way here; {mend}") from error
        yield folder
