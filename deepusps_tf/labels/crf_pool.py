"""Runs the CRF beside training, in processes of its own: pydensecrf holds the GIL."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np

from data_prep.base.errors import InputError
from data_prep.base.processes import cores, worker_pool
from deepusps_tf.labels.crf import CrfSettings, LatticeCache, field_bytes, hash_photo, refine
from deepusps_tf.settings.config import Config

QUEUED_PER_PROCESS = 16
_KILLED = (
    "a CRF process was killed, perhaps for want of memory; run the same command again, "
    "with fewer --crf_processes"
)


_lattices = LatticeCache()  # of this process


def _refine(
    rgb: np.ndarray, probability: np.ndarray, settings: CrfSettings, keep: bool
) -> np.ndarray:
    return refine(rgb, probability, settings, _lattices if keep else None)


class CrfPool:
    """A bounded pool of CRF processes, each of which keeps the lattices of its own photos.

    `submit` returns at once while there is room in the queue and waits when there is none, so a
    slow CRF slows training and never fills memory. A failure in a process or in a callback is
    raised by the next `submit` or `drain`. Use as a context manager.

    Args:
        processes: how many; 0 means one a core.
        settings: constants of the CRF.
        cache_bytes: bytes of lattices kept over all processes.
    """

    def __init__(self, processes: int, settings: CrfSettings, cache_bytes: int = 0):
        self.processes = processes or cores()
        # Photos whose lattices are kept, by their process. The first to come stay: every epoch
        # comes back to every photo, so throwing out one for another would gain nothing.
        self._owners: dict[tuple, int] = {}
        self._room = [cache_bytes // self.processes] * self.processes
        self._loads = [0] * self.processes
        self.settings = settings
        self._slots = threading.BoundedSemaphore(QUEUED_PER_PROCESS * self.processes)
        self._idle = threading.Condition()
        self._pending = 0
        self._failure: BaseException | None = None
        self._executors: list[ProcessPoolExecutor] = []

    def __enter__(self) -> "CrfPool":
        # One executor a process, so that a photo always meets the process that kept its lattices.
        self._executors = [worker_pool(1) for _ in range(self.processes)]
        return self

    def __exit__(self, *_) -> None:
        # Waiting each time: an executor that was once shut down without it can no longer be waited
        # for, and one that still ends while the interpreter does prints a traceback.
        for executor in self._executors:
            executor.shutdown(wait=True, cancel_futures=True)

    @property
    def pending(self) -> int:
        """CRFs submitted and not yet collected."""
        return self._pending

    def submit(
        self, rgb: np.ndarray, probability: np.ndarray, collect: Callable[[np.ndarray], None]
    ) -> None:
        """Queues one map for refinement; `collect` gets the float32 [H, W] result in a thread.

        Args:
            rgb: uint8 [H, W, 3].
            probability: float32 [H, W] in [0, 1].
            collect: called once with the refined map; must be quick and thread-safe.
        """
        self._raise_failure()
        self._slots.acquire()
        try:
            future = self._queue(rgb, probability)
        except BrokenProcessPool as error:
            self._slots.release()
            raise InputError(_KILLED) from error
        with self._idle:
            self._pending += 1
        future.add_done_callback(lambda done: self._finish(done, collect))

    def drain(self) -> None:
        """Waits until everything submitted is collected; raises what went wrong on the way."""
        with self._idle:
            self._idle.wait_for(lambda: self._pending == 0)
        self._raise_failure()

    def refine_all(self, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """Refines (rgb, probability) pairs in order, all of them queued at once."""
        try:
            futures = [self._queue(*pair) for pair in pairs]
            for future in futures:
                yield future.result()
        except BrokenProcessPool as error:
            raise InputError(_KILLED) from error

    def in_each_process(self, function: Callable[[], Any]) -> list:
        """Calls a picklable function once in every process, after the CRFs queued there."""
        return [executor.submit(function).result() for executor in self._executors]

    def _queue(self, rgb: np.ndarray, probability: np.ndarray) -> Future:
        """Sends a map to the process that keeps its photo, else to the one with least to do."""
        photo = hash_photo(rgb)
        needed = field_bytes(rgb.shape[0] * rgb.shape[1])
        with self._idle:
            process = self._owners.get(photo)
            if process is None:
                process = self._loads.index(min(self._loads))
                if self._room[process] >= needed:
                    self._room[process] -= needed
                    self._owners[photo] = process
            self._loads[process] += 1
        keep = photo in self._owners
        executor = self._executors[process]
        future = executor.submit(_refine, rgb, probability, self.settings, keep)
        future.add_done_callback(lambda _: self._unload(process))
        return future

    def _unload(self, process: int) -> None:
        with self._idle:
            self._loads[process] -= 1

    def _finish(self, done: Future, collect: Callable[[np.ndarray], None]) -> None:
        try:
            collect(done.result())
        except BaseException as error:  # raised again, in the training thread
            self._failure = self._failure or error
        finally:
            self._slots.release()
            with self._idle:
                self._pending -= 1
                self._idle.notify_all()

    def _raise_failure(self) -> None:
        if isinstance(self._failure, BrokenProcessPool):
            raise InputError(_KILLED) from self._failure
        if self._failure is not None:
            raise self._failure


def crf_of_settings(config: Config) -> CrfSettings | None:
    """The CRF that settings describe; None where they leave it out."""
    if not config.crf:
        return None
    return CrfSettings(iterations=config.crf_iterations, bilateral_sxy=config.crf_bilateral_sxy)


@contextlib.contextmanager
def start_crf(config: Config, *, one_pass: bool = False) -> Iterator[CrfPool | None]:
    """Starts the CRF's processes for a run, or gives None with --nocrf.

    Args:
        config: the run's settings.
        one_pass: each photo comes once, so that keeping its lattices would gain nothing.
    """
    settings = crf_of_settings(config)
    if settings is None:
        yield None
        return
    cache_bytes = 0 if one_pass else config.crf_cache * 2**20
    with CrfPool(config.crf_processes, settings, cache_bytes) as pool:
        yield pool
