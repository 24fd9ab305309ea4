import io
import sys

import pytest

from data_prep.base import counting, screen
from data_prep.base.counting import counted
from data_prep.base.job import View
from data_prep.base.screen import Screen

VIEW = View("running", "round 1 of mc", 3, 9, 0.43, 31 * 60)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    for module in (counting, screen):
        monkeypatch.setattr(f"{module.__name__}.time.monotonic", lambda: now[0])
    return now


def test_without_a_terminal_there_is_a_line_a_minute(clock, capsys):
    shown = Screen()
    for seconds in (0, 30, 29, 2, 10):
        clock[0] += seconds
        shown.show(VIEW)
    shown.tell({"event": "round", "line": "round 1 of mc: loss 0.5"})
    shown.tell({"event": "epoch"})
    shown.close()
    line = "round 1 of mc, 43 %, 31 min left\n"
    assert capsys.readouterr().err == f"{line}{line}round 1 of mc: loss 0.5\n"


def test_a_loop_without_a_terminal_is_quiet_for_a_minute(clock, capsys):
    def items():
        for item in range(5):
            clock[0] += 25
            yield item

    assert list(counted(items(), "scores", total=5, unit="map")) == list(range(5))
    assert capsys.readouterr().err == "scores: 3 of 5 maps\n"


def test_on_a_terminal_one_bar_tells_all(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = Screen()
    shown.show(VIEW)
    shown.tell({"event": "round", "line": "round 1 of mc: loss 0.5"})
    shown.show(VIEW)
    shown.close()
    text = terminal.getvalue()
    assert "\rround 1 of mc, 43 %, 31 min left |" in text
    assert "\nround 1 of mc: loss 0.5\n" in text or "\rround 1 of mc: loss 0.5\n" in text
