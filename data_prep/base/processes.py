"""Processes for work that must run beside the main one: spawned, and gone when it goes."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import context, popen_spawn_posix, spawn
from unittest import mock

import joblib

_launching = threading.Lock()


def cores() -> int:
    """How many processor cores this process may use, as its affinity and container allow."""
    return joblib.cpu_count()


def worker_pool(processes: int) -> ProcessPoolExecutor:
    """Starts a pool of spawned processes that end with this one, even if it is killed.

    Spawned, not forked: TensorFlow's threads do not survive a fork. The processes do not run the
    user's script again, as spawned ones of `multiprocessing` do, so the script needs no
    `if __name__ == "__main__":` and may as well be a notebook. What they are given to do must lie
    in modules that can be imported, not in the script.

    Args:
        processes: how many, at least 1.
    """
    return _WorkerPool(processes, mp_context=_Context(), initializer=_start_worker)


class _WorkerPool(ProcessPoolExecutor):
    """Refuses what its processes could not import, of which they would die without a word."""

    def submit(self, fn, /, *args, **kwargs) -> Future:
        if getattr(fn, "__module__", None) == "__main__":
            raise TypeError(f"{fn.__qualname__}: put it into a module that can be imported")
        return super().submit(fn, *args, **kwargs)


class _Popen(popen_spawn_posix.Popen):
    """Starts a process that is not told of the main module.

    joblib's own processes do without it too, but end whenever they grow, as the CRF's do on
    purpose: they keep lattices.
    """

    def _launch(self, process_obj):
        own, describe = threading.get_ident(), spawn.get_preparation_data

        def without_main(name):
            data = describe(name)
            if threading.get_ident() == own:  # others may start processes of their own meanwhile
                data.pop("init_main_from_name", None)
                data.pop("init_main_from_path", None)
            return data

        with _launching, mock.patch.object(spawn, "get_preparation_data", without_main):
            super()._launch(process_obj)


class _Process(context.SpawnProcess):
    @staticmethod
    def _Popen(process_obj):  # noqa: N802 the name that multiprocessing calls
        return _Popen(process_obj)


class _Context(context.SpawnContext):
    Process = _Process


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer

    def wait() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
