import json
import re

import pytest

from data_prep.base.job import View
from deepusps_tf.runs import job_files
from deepusps_tf.runs.job_files import EventFile, ProgressFile, progress_text

VIEW = View("running", "round 1 of mc", 3, 9, 0.43219, 1860.4)


def test_progress_says_what_the_manual_lists():
    assert json.loads(progress_text(VIEW, "2026-01-31T10:00:00Z")) == {
        "format": 1,
        "state": "running",
        "stage": "round 1 of mc",
        "index": 3,
        "stages": 9,
        "fraction": 0.4322,
        "seconds_left": 1860,
        "updated": "2026-01-31T10:00:00Z",
    }


def test_progress_is_written_now_and_then_and_at_the_end(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(job_files.time, "monotonic", lambda: now[0])
    path = tmp_path / "logs/progress.json"
    file = ProgressFile(path)
    kept = []
    for seconds, state in ((0, "running"), (1, "running"), (1, "running"), (0, "stopped")):
        now[0] += seconds
        file.show(View(state, f"at {now[0]:.0f}", 1, 2, 0.5, 60))
        kept.append(json.loads(path.read_text())["stage"])
    assert kept == ["at 0", "at 0", "at 2", "at 2"]
    assert json.loads(path.read_text())["state"] == "stopped"
    assert [each.name for each in path.parent.iterdir()] == ["progress.json"]


def test_events_are_appended_a_line_each(tmp_path):
    path = tmp_path / "logs/events.jsonl"
    for name in ("epoch", "round"):
        EventFile(path).tell({"event": name, "loss": 0.123456, "epoch": 1})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["epoch", "round"]
    assert lines[0] | {"time": ""} == {"time": "", "event": "epoch", "loss": 0.1235, "epoch": 1}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines[0]["time"])


@pytest.mark.parametrize("kind", [ProgressFile, EventFile])
def test_a_file_that_cannot_be_written_is_told_once(tmp_path, capsys, kind):
    (tmp_path / "logs").write_text("")
    watcher = kind(tmp_path / "logs/name")
    for _ in range(2):
        watcher.show(View("stopped", "", 0, 0, 0, 0))
        watcher.tell({"event": "epoch"})
    line = f"warning: {tmp_path}/logs/name: cannot be written (File exists); the run goes on"
    assert capsys.readouterr().err == f"{line} without it\n"
