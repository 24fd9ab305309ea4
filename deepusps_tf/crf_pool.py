"""Runs the CRF beside training, in processes of its own: pydensecrf holds the GIL."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

from data_prep.errors import InputError
from data_prep.worker_pool import cores, worker_pool
from deepusps_tf.crf import CrfSettings, refine

QUEUED_PER_PROCESS = 4
_KILLED = (
    "a CRF process was killed, perhaps for want of memory; run the same command again, "
    "with fewer --crf_processes"
)


class CrfPool:
    """A bounded pool of CRF processes.

    `submit` returns at once while there is room in the queue and waits when there is none, so a
    slow CRF slows training and never fills memory. A failure in a process or in a callback is
    raised by the next `submit` or `drain`. Use as a context manager.

    Args:
        processes: how many; 0 means one a core.
        settings: constants of the CRF.
    """

    def __init__(self, processes: int, settings: CrfSettings):
        self.processes = processes or cores()
        self._settings = settings
        self._slots = threading.BoundedSemaphore(QUEUED_PER_PROCESS * self.processes)
        self._idle = threading.Condition()
        self._pending = 0
        self._failure: BaseException | None = None
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> "CrfPool":
        self._executor = worker_pool(self.processes)
        return self

    def __exit__(self, *_) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

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
            future = self._executor.submit(refine, rgb, probability, self._settings)
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
            futures = [self._executor.submit(refine, *pair, self._settings) for pair in pairs]
            for future in futures:
                yield future.result()
        except BrokenProcessPool as error:
            raise InputError(_KILLED) from error

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
