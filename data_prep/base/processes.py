"""Processes for work that must run beside the main one: spawned, and gone when it goes."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

import joblib


def cores() -> int:
    """How many processor cores this process may use, as its affinity and container allow."""
    return joblib.cpu_count()


def worker_pool(processes: int) -> ProcessPoolExecutor:
    """Starts a pool of spawned processes that end with this one, even if it is killed.

    Spawned, not forked: TensorFlow's threads do not survive a fork.

    Args:
        processes: how many, at least 1.
    """
    return ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
    )


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer

    def wait() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
