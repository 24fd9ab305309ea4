"""What a run says of itself to other programs: how far it is, and what happened."""

import datetime
import json
import time
from pathlib import Path
from typing import Any

from data_prep.base.job import RUNNING, View
from data_prep.base.log import tell_unwritten

# Beside TensorBoard's logs: unlike the rest of a workdir they depend on how a run was stopped.
LOG = "logs/log.txt"
PROGRESS = "logs/progress.json"
EVENTS = "logs/events.jsonl"
FORMAT = 1
_EVERY = 2.0  # seconds


class ProgressFile:
    """Keeps how far a job is in a file that is whole at any time, as a `Watcher`.

    Args:
        path: of the file; see `progress_text`.
    """

    def __init__(self, path: Path):
        self._path = path
        self._next, self._told = 0.0, False

    def show(self, view: View) -> None:
        """Writes the file, every two seconds at most unless the job ends."""
        if view.state == RUNNING and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        partial = self._path.with_suffix(".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(progress_text(view, _now()), encoding="utf-8")
            partial.replace(self._path)
        except OSError as error:
            if not self._told:
                self._told = True
                tell_unwritten(self._path, error)

    def tell(self, event: dict[str, Any]) -> None:
        """Takes no notice."""

    def close(self) -> None:
        """Does nothing: the file stays."""


class EventFile:
    """Appends what happens in a job to a file, a JSON object a line, as a `Watcher`.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path):
        self._path = path
        self._told = False

    def show(self, view: View) -> None:
        """Takes no notice."""

    def tell(self, event: dict[str, Any]) -> None:
        """Appends the event with its time."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"time": _now(), **_rounded(event)}) + "\n")
        except OSError as error:
            if not self._told:
                self._told = True
                tell_unwritten(self._path, error)

    def close(self) -> None:
        """Does nothing: no file is open."""


def progress_text(view: View, updated: str) -> str:
    """How far a job is, as JSON: the fields of `View`, `format` and `updated`, a time in UTC."""
    fields = {
        "format": FORMAT,
        "state": view.state,
        "stage": view.stage,
        "index": view.index,
        "stages": view.stages,
        "fraction": round(view.fraction, 4),
        "seconds_left": round(view.seconds_left),
        "updated": updated,
    }
    return json.dumps(fields, indent=2) + "\n"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _rounded(event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in event.items()
    }
