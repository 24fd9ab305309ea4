"""The moving average (MVA) of refined predictions, one map a photo, on disk."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# Half precision: its rounding, at most 2.4e-4 of a map in [0, 1], is a tenth of the 8-bit step
# that labels are written with, and it halves the disk that every epoch writes.
DTYPE = np.float16


class MovingAverage:
    """MVA_k(x) = (1 - alpha) refined_k(x) + alpha MVA_{k-1}(x), with MVA_0 = 0 (paper, 3.1).

    Each epoch reads the file of the epoch before and writes a file of its own, so a killed epoch
    leaves the one before whole. Every photo must enter exactly once an epoch. Rows are disjoint:
    `update` may be called from several threads. A file is mapped only while one of its rows is
    used: pages of a lasting map would count as memory of the process, all photos of them.

    Args:
        folder: where `mva-<epoch>.npy` are kept.
        count: photos.
        size: side of a map in pixels.
        momentum: alpha.
    """

    def __init__(self, folder: Path, count: int, size: int, momentum: float):
        self._folder = Path(folder)
        self._shape = (count, size, size)
        self._momentum = momentum
        self._seen = np.zeros(count, np.int32)
        self._previous: Path | None = None
        self._current: Path | None = None

    def path(self, epoch: int) -> Path:
        """The file that holds the average after `epoch` epochs."""
        return self._folder / f"mva-{epoch:04d}.npy"

    def begin_epoch(self, epoch: int) -> None:
        """Opens the average after `epoch` epochs to read and the next one to write.

        Raises:
            OSError: naming the next one's file, if the disk has no room for it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._seen[:] = 0
        self._previous = self.path(epoch) if epoch else None
        self._current = self.path(epoch + 1)
        np.lib.format.open_memmap(self._current, mode="w+", dtype=DTYPE, shape=self._shape)
        # Writing through a map of a sparse file would kill the process when the disk is full.
        with self._current.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, self._current.stat().st_size)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(self._current)) from error

    def update(self, index: int, refined: np.ndarray) -> None:
        """Enters one photo's refined prediction, float32 [S, S] in [0, 1]."""
        average = (1 - self._momentum) * refined
        if self._previous is not None:
            average += self._momentum * _rows(self._previous)[index].astype(np.float32)
        _rows(self._current, "r+")[index] = average
        self._seen[index] += 1

    def end_epoch(self) -> None:
        """Flushes the epoch to disk.

        Raises:
            RuntimeError: if a photo entered not at all or more than once.
        """
        odd = np.flatnonzero(self._seen != 1)
        if odd.size:
            raise RuntimeError(
                f"{odd.size} photos did not enter the moving average exactly once, "
                f"photo {odd[0]} {self._seen[odd[0]]} times"
            )
        _rows(self._current, "r+").flush()
        self._previous = self._current = None

    def keep_only(self, epoch: int) -> None:
        """Deletes the files of all other epochs."""
        for path in self._folder.glob("mva-*.npy"):
            if path != self.path(epoch):
                path.unlink()

    def labels(self, epoch: int) -> Iterator[np.ndarray]:
        """Yields each photo's average after `epoch` epochs as uint8 [S, S], in index order.

        The zero start weighs alpha^k of the sum after k epochs; it is divided out, as Adam does.
        """
        scale = 255 / (1 - self._momentum**epoch)
        for index in range(self._shape[0]):
            row = _rows(self.path(epoch))[index].astype(np.float32)
            yield np.clip(np.rint(row * scale), 0, 255).astype(np.uint8)


def _rows(path: Path, mode: str = "r") -> np.memmap:
    """Maps a file of averages, [count, S, S], until the result is dropped."""
    return np.load(path, mmap_mode=mode)
