"""Loops that show how far they are: in the bar of the job under way, else in one of their own."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

from data_prep.base.job import current_job

Item = TypeVar("Item")
LINE_EVERY = 60.0  # seconds, where there is no terminal


@contextlib.contextmanager
def counter(
    what: str,
    *,
    total: int,
    done: int = 0,
    unit: str = "photo",
    stage: str | None = None,
    shown: bool = True,
) -> Iterator[Callable[[int], object]]:
    """Gives a function that counts what is done.

    Args:
        what: is counted, in a word.
        total: how many there are.
        done: of these, before.
        unit: what one of them is.
        stage: of which stage of a job they are; within a job no others are shown.
        shown: whether anything is shown where no job is under way.
    """
    job = current_job()
    if job is not None:
        planned = stage is not None and job.begin(stage, done=done)
        yield job.advance if planned else _uncounted
    elif not shown:
        yield _uncounted
    elif sys.stderr.isatty():
        with tqdm(total=total, initial=done, desc=what, unit=unit) as bar:
            yield bar.update
    else:
        yield _Lines(what, total, done, unit).count


def counted(items: Iterable[Item], what: str, *, total: int, **options) -> Iterator[Item]:
    """Yields items and counts each that was worked on; `options` are those of `counter`."""
    with counter(what, total=total, **options) as count:
        for item in items:
            yield item
            count(1)


def _uncounted(count: int) -> None:
    del count


class _Lines:
    """Says how far a loop is in a line now and then."""

    def __init__(self, what: str, total: int, done: int, unit: str):
        self._what, self._total, self._done, self._unit = what, total, done, unit
        self._next = time.monotonic() + LINE_EVERY

    def count(self, count: int) -> None:
        """Counts so many more."""
        self._done += count
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY
            line = f"{self._what}: {self._done} of {self._total} {self._unit}s"
            print(line, file=sys.stderr, flush=True)
