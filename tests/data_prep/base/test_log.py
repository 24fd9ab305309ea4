import logging
import re
from pathlib import Path

import pytest
from absl import logging as absl_logging

from data_prep.base import log
from data_prep.base.command import say, tell
from data_prep.base.log import inform, is_quiet, log_file, note, says_all, start_console


@pytest.fixture
def console(monkeypatch):
    """Starts a console of its own, and takes it away again."""
    monkeypatch.setattr(log, "_console", log._Console())
    monkeypatch.setattr(log, "_early", log._Early())
    monkeypatch.setattr(log, "_verbosity", log.NORMAL)
    loggers = [logging.getLogger(name) for name in (None, "absl", "data_prep.notes")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield start_console
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def say_all():
    note("left out: %s", ["a"])
    logging.getLogger("matplotlib").info("generated new fontManager")
    inform("labels are stable")
    absl_logging.warning("labels swing")
    logging.getLogger("tensorflow").warning("triggered retracing")
    logging.getLogger("other").warning("old format")


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [
        (-1, ["warning: labels swing", "warning: old format"]),
        (0, ["labels are stable", "warning: labels swing", "warning: old format"]),
        (
            1,
            [
                "left out: ['a']",
                "generated new fontManager",
                "labels are stable",
                "warning: labels swing",
                "warning: triggered retracing",
                "warning: old format",
            ],
        ),
    ],
)
def test_the_screen_gets_what_verbosity_asks_for_and_the_file_all(
    console, capsys, tmp_path, verbosity, shown
):
    console(verbosity)
    assert (is_quiet(), says_all()) == (verbosity == -1, verbosity == 1)
    say_all()
    assert capsys.readouterr().err.splitlines() == shown
    with log_file(tmp_path / "logs/log.txt"):
        say("error: gone")
        tell("left out a.jpg")
    out, err = capsys.readouterr()
    assert (out, err) == ("left out a.jpg\n", "error: gone\n")  # once each
    lines = (tmp_path / "logs/log.txt").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ ", line) for line in lines)
    assert [line.split(" ", 1)[1] for line in lines] == [
        "DEBUG left out: ['a']",
        "INFO generated new fontManager",
        "INFO labels are stable",
        "WARNING labels swing",
        "WARNING triggered retracing",
        "WARNING old format",
        "INFO error: gone",
        "INFO left out a.jpg",
    ]


def test_a_file_is_gone_on_with_and_says_how_a_run_failed(tmp_path):
    path = tmp_path / "log.txt"
    for name in ("one", "two"):
        with pytest.raises(ValueError, match=name), log_file(path):
            raise ValueError(name)
    text = path.read_text()
    assert text.count("Traceback") == 2
    assert text.index("ValueError: one") < text.index("ValueError: two")
    note("behind the end")
    assert path.read_text() == text


def test_a_file_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with log_file(tmp_path / "file/log.txt"):
        note("lost")
    line = f"warning: {tmp_path}/file/log.txt: cannot be written (File exists); the run goes"
    assert capsys.readouterr().err == f"{line} on without it\n"
    if Path("/dev/full").exists():
        with log_file(Path("/dev/full")):
            note("lost")
            note("lost too")
        line = "warning: /dev/full: cannot be written (No space left on device); the run goes"
        assert capsys.readouterr().err == f"{line} on without it\n"
