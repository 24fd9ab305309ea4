"""Workers that are threads of one process, for tests of what workers tell each other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from deepusps_tf.distribution.workers import Workers


class ThreadWorkers(Workers):
    """One of `count` workers that meet at a barrier instead of in TensorFlow."""

    def __init__(self, number: int, parts: list, barrier: threading.Barrier):
        super().__init__()
        self.number, self.count = number, len(parts)
        self._parts, self._barrier = parts, barrier

    def total(self, values):
        """Adds an array up over the threads."""
        self._parts[self.number] = values
        self._barrier.wait(20)
        result = np.sum(self._parts, axis=0, dtype=values.dtype)
        self._barrier.wait(20)
        return result


def as_workers(count: int, function: Callable[[Workers], object]) -> list:
    """Calls a function as each of `count` workers at once; gives what each returned."""
    parts, barrier = [None] * count, threading.Barrier(count)
    with ThreadPoolExecutor(count) as threads:
        futures = [
            threads.submit(function, ThreadWorkers(number, parts, barrier))
            for number in range(count)
        ]
        return [future.result() for future in futures]
