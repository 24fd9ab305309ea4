"""A job on the screen: one bar on a terminal, elsewhere a line now and then."""

import sys
import time
from typing import Any

from tqdm import tqdm

from data_prep.base.counting import LINE_EVERY
from data_prep.base.job import View


class Screen:
    """Shows a job on standard error, as a `data_prep.base.job.Watcher`.

    Lines of rounds, `line` of an event, stay there above the bar.
    """

    def __init__(self):
        self._bar: tqdm | None = None
        self._next_line = 0.0

    def show(self, view: View) -> None:
        """Moves the bar, or prints a line where the last is a minute old."""
        if sys.stderr.isatty():
            if self._bar is None:
                options = {"bar_format": "{desc} |{bar:30}|", "leave": False, "file": sys.stderr}
                self._bar = tqdm(total=1.0, desc=view.line, **options)
            self._bar.n = view.fraction
            self._bar.set_description_str(view.line, refresh=False)
            self._bar.refresh()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_EVERY
            print(view.line, file=sys.stderr, flush=True)

    def tell(self, event: dict[str, Any]) -> None:
        """Prints the line of an event that has one."""
        if "line" in event:
            tqdm.write(event["line"], file=sys.stderr)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
