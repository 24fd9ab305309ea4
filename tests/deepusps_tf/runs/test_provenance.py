import dataclasses
import json
import platform
import re
import subprocess

import pytest
import tensorflow as tf

import deepusps_tf
from data_prep.base.processes import cores
from deepusps_tf.runs.provenance import (
    Machine,
    Provenance,
    clone_commit,
    provenance_now,
    read_provenance,
)


def test_what_this_process_makes_now():
    made = provenance_now(61.26)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", made.date) and made.seconds == 61.3
    assert list(made.versions) == ["python", "tensorflow", "keras", "numpy", "deepusps_tf"]
    assert made.versions["python"] == platform.python_version()
    assert made.versions["tensorflow"] == tf.__version__
    assert made.versions["deepusps_tf"] == deepusps_tf.__version__
    assert made.machine.cores == cores() and made.machine.memory_gb > 0.1
    assert platform.node() not in json.dumps(dataclasses.asdict(made))
    assert provenance_now().seconds is None


def test_provenance_survives_a_file():
    made = Provenance("2026-01-31", {"keras": "3"}, "abc", Machine(2, "a cpu", 8.5, ("a gpu",)), 3)
    fields = json.loads(json.dumps(dataclasses.asdict(made)))
    assert read_provenance(fields) == made
    later = {**fields, "weather": "rain", "machine": {**fields["machine"], "fans": 2}}
    assert read_provenance(later) == made
    assert read_provenance({"date": "2026-01-31", "versions": {}}).machine is None


def test_a_clone_is_named_by_its_commit(tmp_path, monkeypatch):
    assert clone_commit(tmp_path) is None

    def git(*words):
        command = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    assert clone_commit(tmp_path) is None  # holds no commit yet
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-qm", "c")
    git("tag", "v1")
    commit = git("rev-parse", "HEAD")
    assert clone_commit(tmp_path) == commit
    (tmp_path / "file").write_text("b")
    assert clone_commit(tmp_path) == f"{commit}-dirty"
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert clone_commit(tmp_path) is None


def test_no_provenance_is_not_taken_for_one():
    with pytest.raises(TypeError):
        read_provenance({"versions": {}})
