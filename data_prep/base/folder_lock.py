"""Keeps two processes out of one folder, with a lock that dies with its holder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from data_prep.base.errors import InputError


@contextlib.contextmanager
def locked_folder(folder: Path, mend: str) -> Iterator[Path]:
    """Makes a folder and holds its lock; the system lets go of it when the process ends.

    A folder that was made here goes again where what is done in it fails before it leaves anything.

    Args:
        folder: the folder; gets a file `.lock`.
        mend: what the user of a folder that is locked can do.

    Raises:
        InputError: where another process holds the lock, or the folder cannot be written to.
    """
    folder = Path(folder)
    made = [each for each in (folder, *folder.parents) if not each.exists()]
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
        if not _lies_at(folder / ".lock", lock):
            raise InputError(f"{folder}: another run ended here just now; run the command again")
        try:
            yield folder
        except BaseException:
            _remove_unused(made)
            raise


def _lies_at(path: Path, file: IO) -> bool:
    """Whether an opened file is the one at a path, which may have been removed since."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _remove_unused(folders: Sequence[Path]) -> None:
    """Removes a folder that holds its lock alone, and those above it that are empty then."""
    if not folders or [path.name for path in folders[0].iterdir()] != [".lock"]:
        return
    (folders[0] / ".lock").unlink()
    with contextlib.suppress(OSError):  # another process has put something there
        for folder in folders:
            folder.rmdir()
