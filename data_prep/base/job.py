"""The job under way: its stages, one after another, and who is told of them."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Protocol

from data_prep.base.log import note
from data_prep.base.work import Stage, Standing, fraction_done, seconds_left, time_left

RUNNING, FINISHED, STOPPED, FAILED = "running", "finished", "stopped", "failed"
_SHOWN_EVERY = 0.5  # seconds


@dataclasses.dataclass(frozen=True)
class View:
    """A job at a moment.

    Attributes:
        state: `running`, `finished`, `stopped` (by Ctrl-C) or `failed`.
        stage: the title of the stage under way.
        index: which of the stages that is, from 1; 0 before the first.
        stages: how many there are.
        fraction: of the job's time that is over, 0 to 1; it never falls.
        seconds_left: of the job.
    """

    state: str
    stage: str
    index: int
    stages: int
    fraction: float
    seconds_left: float

    @property
    def line(self) -> str:
        """The same in words."""
        return f"{self.stage}, {100 * self.fraction:.0f} %, {time_left(self.seconds_left)}"


class Watcher(Protocol):
    """Who is told of a job."""

    def show(self, view: View) -> None:
        """Takes how far it is, about twice a second at most."""

    def tell(self, event: dict[str, Any]) -> None:
        """Takes what happened: `event` names it."""

    def close(self) -> None:
        """Is called when the job ends, however it does."""


class Job:
    """Counts the work of stages and tells watchers of it; any thread may call it.

    The clock of a stage that is counted starts with the first of it that is done: what precedes
    that is a start, such as of processes or a step's tracing, and says nothing of the rest.

    Args:
        stages: in their order.
        done: keys of those that are done already.
        watchers: who is told.
        clock: gives seconds.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        done: Collection[str] = (),
        watchers: Sequence[Watcher] = (),
        clock: Callable[[], float] = time.monotonic,
    ):
        self._standings = [Standing(stage, float(stage.key in done)) for stage in stages]
        self._places = {stage.key: place for place, stage in enumerate(stages)}
        self._done_before = frozenset(done)
        self._watchers = tuple(watchers)
        self._clock = clock
        self._lock = threading.RLock()
        self._place: int | None = None  # of the stage under way
        self._begun = self._since = 0.0  # it began, and is measured from
        self._counted = False
        self._share = 0.0  # of it that is not measured
        self._next_show = 0.0
        self._fraction = 0.0

    def was_done(self, key: str) -> bool:
        """Whether a stage was done before this process."""
        return key in self._done_before

    def show(self) -> None:
        """Shows watchers how far it is."""
        with self._lock:
            self._show(RUNNING)

    def begin(self, key: str, *, amount: float | None = None, done: float = 0.0) -> bool:
        """Begins a stage, or goes on with it; those before it are over.

        Args:
            key: of the stage.
            amount: how much it is, where that is known better than when it was planned.
            done: how much of it was found done.

        Returns:
            Whether it is a stage of this job; else nothing was done.
        """
        with self._lock:
            place = self._places.get(key)
            if place is None:
                return False
            began = place != self._place
            if began:
                self._end_stages(place)
                self._place, self._counted = place, False
                self._begun = self._since = self._clock()
                self._share = self._standings[place].done
            if amount is not None:
                stage = dataclasses.replace(self._standings[place].stage, amount=amount)
                self._change(stage=stage)
            self._share += self._add(done)
            if began:
                note("%s begins", self._standings[place].stage.title)
                self.tell("stage started", stage=key)
            self._show(RUNNING)
            return True

    def advance(self, count: float = 1.0) -> None:
        """Counts work of the stage under way."""
        with self._lock:
            if self._place is None:
                return
            added, now = self._add(count), self._clock()
            if self._counted:
                self._measure(now)
            else:
                self._counted, self._since = True, now
                self._share += added
            if now >= self._next_show:
                self._show(RUNNING)

    def tell(self, event: str, **fields: Any) -> None:
        """Tells watchers that something happened, and how far the job is."""
        with self._lock:
            view = self._view(RUNNING)
            far = {"fraction": view.fraction, "seconds_left": view.seconds_left}
            for watcher in self._watchers:
                watcher.tell({"event": event, **fields, **far})

    def end(self, state: str, message: str = "") -> None:
        """Ends the job as one of `FINISHED`, `STOPPED` and `FAILED`; `message` says why."""
        with self._lock:
            if state == FINISHED:
                self._end_stages(len(self._standings))
            self._show(state)
            self.tell("job ended", state=state, **({"message": message} if message else {}))
            for watcher in self._watchers:
                watcher.close()

    def _add(self, count: float) -> float:
        """Counts work of the stage under way; returns what share of it that is."""
        standing = self._standings[self._place]
        done = min(1.0, standing.done + count / max(standing.stage.amount, 1e-9))
        self._change(done=done)
        return done - standing.done

    def _measure(self, now: float) -> None:
        measured = self._standings[self._place].done - self._share
        if measured > 0:
            self._change(measured=measured, spent=now - self._since)

    def _end_stages(self, end: int) -> None:
        """Ends the stage under way, and takes for done what comes before a place."""
        if self._place is not None:
            self._measure(self._clock())
            standing = self._standings[self._place]
            if not standing.measured and standing.done < 1:  # it was not counted
                spent = self._clock() - self._begun
                self._change(measured=1 - standing.done, spent=spent)
            self._change(done=1.0)
            self.tell("stage finished", stage=standing.stage.key)
        for place, standing in enumerate(self._standings[:end]):
            self._standings[place] = dataclasses.replace(standing, done=1.0)

    def _change(self, **fields: Any) -> None:
        self._standings[self._place] = dataclasses.replace(self._standings[self._place], **fields)

    def _show(self, state: str) -> None:
        self._next_show = self._clock() + _SHOWN_EVERY
        view = self._view(state)
        for watcher in self._watchers:
            watcher.show(view)

    def _view(self, state: str) -> View:
        now, title, standings = self._clock(), "start", list(self._standings)
        if self._place is not None:
            current = standings[self._place]
            title = current.stage.title
            if not current.measured:
                standings[self._place] = dataclasses.replace(current, spent=now - self._since)
        self._fraction = max(self._fraction, fraction_done(standings))
        return View(
            state=state,
            stage=title,
            index=0 if self._place is None else self._place + 1,
            stages=len(standings),
            fraction=self._fraction,
            seconds_left=seconds_left(standings),
        )


_current: Job | None = None


def current_job() -> Job | None:
    """The job under way in this process, or None."""
    return _current


@contextlib.contextmanager
def under_way(job: Job) -> Iterator[Job]:
    """Makes a job the one under way while what stands in it runs, and ends it as that ends."""
    global _current
    before, _current = _current, job
    job.show()
    try:
        yield job
    except KeyboardInterrupt:
        job.end(STOPPED)
        raise
    except BaseException as error:
        job.end(FAILED, " ".join(str(error).split())[:500] or type(error).__name__)
        raise
    else:
        job.end(FINISHED)
    finally:
        _current = before
