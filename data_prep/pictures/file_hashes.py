"""Hashes of many files, kept so that what has not changed need not be read again."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from data_prep.base.errors import InputError, damage_named
from data_prep.pictures.origin import photo_hash

HASHES = ".hashes.json"  # the file they are kept in


class FileHashes:
    """Hashes of files by names of the caller's, with the size and time that each file had.

    A file whose size and time of change are those of then counts as unchanged: to ask for them
    takes seconds for 100,000 photos, to read the photos takes minutes.

    Args:
        folder: where `HASHES` is kept, which is read where it is there.

    Raises:
        InputError: that file is damaged.
    """

    def __init__(self, folder: Path):
        self._path = folder / HASHES
        self._known: dict[str, tuple[int, int, str]] = {}
        self._learned = False
        if self._path.is_file():
            with damage_named(self._path, "delete it and run the same command again"):
                kept = json.loads(self._path.read_text(encoding="utf-8"))
                self._known = {
                    name: (int(size), int(time), str(digest))
                    for name, (size, time, digest) in kept.items()
                }

    def of(self, name: str, path: Path) -> str:
        """Hashes a file as it is now, and keeps that.

        Raises:
            InputError: it cannot be read.
        """
        size_time = _size_time(path)
        known = self._known.get(name)
        if known is not None and known[:2] == size_time:
            return known[2]
        digest = photo_hash(path)
        if size_time is not None:
            self._known[name] = (*size_time, digest)
            self._learned = True
        return digest

    def changed(self, name: str, path: Path) -> bool:
        """Whether a file is another than the one kept by that name; what is gone is not.

        Raises:
            InputError: it cannot be read.
        """
        size_time, known = _size_time(path), self._known.get(name)
        if known is None or size_time is None or known[:2] == size_time:
            return False
        if photo_hash(path) != known[2]:
            return True
        self._known[name] = (*size_time, known[2])  # only touched, or copied
        self._learned = True
        return False

    def names(self, folder: str) -> Iterator[str]:
        """The names kept that begin with `folder/`, without it."""
        prefix = f"{folder}/"
        return (name.removeprefix(prefix) for name in self._known if name.startswith(prefix))

    def save(self) -> None:
        """Writes what was learned, whole or not at all.

        Raises:
            InputError: the disk is full, or the folder cannot be written to.
        """
        if not self._learned:
            return
        partial = self._path.with_name(f"{HASHES}.{os.getpid()}.partial")
        try:
            for left in self._path.parent.glob(f"{HASHES}.*.partial"):
                left.unlink()  # of a run that was killed
            partial.write_text(json.dumps(self._known, separators=(",", ":")), encoding="utf-8")
            partial.replace(self._path)
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written ({error.strerror}); mend that and run again"
            ) from None
        finally:
            with contextlib.suppress(OSError):
                partial.unlink()
        self._learned = False


def _size_time(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
