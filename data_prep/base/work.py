"""How far a job of several stages is, and how long it takes still: arithmetic alone."""

import dataclasses
from collections.abc import Callable, Sequence

# So many seconds of work the stated times are believed for, beside what is measured: a first second
# that was slow says little.
TRUST = 5.0


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a job.

    Attributes:
        key: what the program calls it.
        title: what people are told.
        kind: `family` or `family/more`: what was measured of a kind, and else of its family, tells
            of stages to come.
        seconds: how long all of it takes by what is known beforehand.
        amount: how many photos, steps or the like it is; 1 where they are not counted.
    """

    key: str
    title: str
    kind: str
    seconds: float
    amount: float = 1.0


@dataclasses.dataclass(frozen=True)
class Standing:
    """How far a stage is.

    Attributes:
        stage: the stage.
        done: share of it that is done, 0 to 1, also by an earlier process.
        measured: share of it that took `spent`; 0 before the first of it is done.
        spent: seconds.
    """

    stage: Stage
    done: float = 0.0
    measured: float = 0.0
    spent: float = 0.0


def paces(standings: Sequence[Standing]) -> Callable[[str], float]:
    """How many seconds a stated second takes, by kind of work; 1 before anything is measured.

    Returns:
        A function from a stage's kind to its pace.
    """

    def measured(name: str, before: float) -> float:
        parts = [each for each in standings if each.measured and _is_of(each.stage.kind, name)]
        stated = sum(part.measured * part.stage.seconds for part in parts)
        return (sum(part.spent for part in parts) + TRUST * before) / (stated + TRUST)

    def pace(kind: str) -> float:
        family = measured(kind.partition("/")[0], 1.0)
        return measured(kind, family) if "/" in kind else family

    return pace


def seconds_left(standings: Sequence[Standing]) -> float:
    """How many seconds a job takes still.

    Of a stage that was begun and whose parts are not counted, the time since then is taken off.
    """
    return _left_and_whole(standings)[0]


def fraction_done(standings: Sequence[Standing]) -> float:
    """How much of a job's time is over, 0 to 1, where what is done already took its time too."""
    left, whole = _left_and_whole(standings)
    return 1.0 - left / whole if whole else 1.0


def time_left(seconds: float) -> str:
    """A time to wait, in words: `31 min left`."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    if minutes < 120:
        return f"{minutes} min left"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min left"


def _left_and_whole(standings: Sequence[Standing]) -> tuple[float, float]:
    pace, left, whole = paces(standings), 0.0, 0.0
    for each in standings:
        seconds = each.stage.seconds * pace(each.stage.kind)
        whole += seconds
        rest = seconds * (1 - each.done)
        left += rest if each.measured else max(0.0, rest - each.spent)
    return left, whole


def _is_of(kind: str, name: str) -> bool:
    return kind == name or kind.startswith(f"{name}/")
