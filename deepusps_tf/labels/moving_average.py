"""The moving average (MVA) of refined predictions, one map a photo, on disk."""

import errno
import io
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_prep.base.errors import InputError
from deepusps_tf.distribution.workers import ALONE, Workers

# Half precision: its rounding, at most 2.4e-4 of a map in [0, 1], is a tenth of the 8-bit step
# that labels are written with, and it halves the disk that every epoch writes.
DTYPE = np.float16


class MovingAverage:
    """MVA_k(x) = (1 - alpha) refined_k(x) + alpha MVA_{k-1}(x), with MVA_0 = 0 (paper, 3.1).

    Each epoch reads the file of the epoch before and writes a file of its own, so a killed epoch
    leaves the one before whole. Every photo must enter exactly once an epoch. Rows are disjoint:
    `update` may be called from several threads. A file is mapped only while one of its rows is
    used: pages of a lasting map would count as memory of the process, all photos of them.
    Several workers share the files, each writes the rows of the photos it was given in that epoch.

    Args:
        folder: where `mva-<epoch>.npy` are kept.
        count: photos.
        size: side of a map in pixels.
        momentum: alpha.
        workers: those that share the folder.
    """

    def __init__(
        self, folder: Path, count: int, size: int, momentum: float, workers: Workers = ALONE
    ):
        self._folder = Path(folder)
        self._shape = (count, size, size)
        self._header = _npy_header(self._shape)
        self._bytes = len(self._header) + math.prod(self._shape) * np.dtype(DTYPE).itemsize
        self._momentum = momentum
        self._workers = workers
        self._seen = np.zeros(count, np.int32)
        self._previous: Path | None = None
        self._current: Path | None = None

    def path(self, epoch: int) -> Path:
        """The file that holds the average after `epoch` epochs."""
        return self._folder / f"mva-{epoch:04d}.npy"

    def begin_epoch(self, epoch: int) -> None:
        """Opens the average after `epoch` epochs to read and the next one to write.

        Raises:
            InputError: naming the file of the average to read, if it is damaged or missing.
            OSError: naming the next one's file, if the disk has no room for it.
        """
        self._seen[:] = 0
        self._previous = self.path(epoch) if epoch else None
        if self._previous is not None:
            self._rows(self._previous)
        self._current = self.path(epoch + 1)
        self._workers.chief_first(self._reserve)

    def _reserve(self) -> None:
        """Makes the file of the current epoch with room for all rows, on the chief."""
        if not self._workers.is_chief:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._current.open("wb") as file:
            try:
                file.write(self._header)
                file.flush()
                os.posix_fallocate(file.fileno(), 0, self._bytes)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(self._current)) from error

    def update(self, index: int, refined: np.ndarray) -> None:
        """Enters one photo's refined prediction, float32 [S, S] in [0, 1]."""
        average = (1 - self._momentum) * refined
        if self._previous is not None:
            average += self._momentum * self._rows(self._previous)[index].astype(np.float32)
        self._write_row(index, average.astype(DTYPE))
        self._seen[index] += 1

    def end_epoch(self) -> None:
        """Flushes the epoch to disk.

        Raises:
            RuntimeError: if a photo entered not at all or more than once.
        """
        self._rows(self._current, "r+").flush()
        seen = self._workers.total(self._seen)
        odd = np.flatnonzero(seen != 1)
        if odd.size:
            raise RuntimeError(
                f"{odd.size} photos did not enter the moving average exactly once, "
                f"photo {odd[0]} {seen[odd[0]]} times"
            )
        self._previous = self._current = None

    def keep_only(self, epoch: int) -> None:
        """Deletes the files of all other epochs."""
        for path in self._folder.glob("mva-*.npy"):
            if path != self.path(epoch):
                path.unlink()

    def labels(self, epoch: int) -> Iterator[np.ndarray]:
        """Yields each photo's average after `epoch` epochs as uint8 [S, S], in index order.

        The zero start weighs alpha^k of the sum after k epochs; it is divided out, as Adam does.

        Raises:
            InputError: naming the file, if it is damaged or missing.
        """
        scale = 255 / (1 - self._momentum**epoch)
        for index in range(self._shape[0]):
            row = self._rows(self.path(epoch))[index].astype(np.float32)
            yield np.clip(np.rint(row * scale), 0, 255).astype(np.uint8)

    def _rows(self, path: Path, mode: str = "r") -> np.memmap:
        """Maps a file of averages, [count, S, S], until the result is dropped."""
        try:
            with path.open("rb") as file:
                header = file.read(len(self._header))
        except FileNotFoundError as error:
            raise InputError(f"{path}: missing; delete its round") from error
        if header != self._header or path.stat().st_size != self._bytes:
            raise InputError(f"{path}: damaged; delete its round")
        return np.memmap(path, DTYPE, mode, offset=len(self._header), shape=self._shape)

    def _write_row(self, index: int, row: np.ndarray) -> None:
        """Writes one row of the current file.

        Not through a map: that writes whole pages, and on a network file system would undo what
        another machine wrote beside this row. Closing the file sends the row off.
        """
        file = os.open(self._current, os.O_WRONLY)
        try:
            written = os.pwrite(file, row.tobytes(), len(self._header) + index * row.nbytes)
        finally:
            os.close(file)
        if written != row.nbytes:
            raise OSError(errno.EIO, "a row was not written whole", str(self._current))


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """What the file of averages of that shape begins with, as `np.load` reads it."""
    header = io.BytesIO()
    fields = {"descr": np.dtype(DTYPE).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    return header.getvalue()
