import dataclasses

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.runs import training_time
from deepusps_tf.runs.provenance import Machine, Provenance
from deepusps_tf.runs.training_time import TRAINING, read_training, timed_training


class Clock:
    """Time that passes when it is told to, on a machine that can be another."""

    def __init__(self):
        self.now, self.cores = 0.0, 2

    def monotonic(self):
        return self.now

    def provenance(self, seconds=None):
        return Provenance("2026-01-31", {}, None, Machine(self.cores), seconds)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(training_time, "time", clock)
    monkeypatch.setattr(training_time, "provenance_now", clock.provenance)
    return clock


def train(clock, workdir, seconds, *, begun, stopped=False):
    with timed_training(workdir, begun=begun):
        clock.now += seconds
        if stopped:
            raise KeyboardInterrupt


def test_the_parts_of_a_stopped_training_add_up(clock, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(clock, tmp_path, 10, begun=False, stopped=True)
    assert read_training(tmp_path) is None  # it is not finished
    train(clock, tmp_path, 5, begun=True)
    assert read_training(tmp_path) == clock.provenance(15.0)
    before = (tmp_path / TRAINING).read_bytes()
    train(clock, tmp_path, 7, begun=True)  # nothing was left to train
    assert (tmp_path / TRAINING).read_bytes() == before


def test_the_time_of_a_killed_training_is_not_known(clock, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training_time, "_write", lambda *_, finished: None)
        train(clock, tmp_path / "older", 10, begun=False, stopped=True)
    train(clock, tmp_path / "older", 5, begun=True)
    with timed_training(tmp_path / "killed", begun=False):
        left = (tmp_path / "killed" / TRAINING).read_text()
    (tmp_path / "killed" / TRAINING).write_text(left)
    train(clock, tmp_path / "killed", 5, begun=True)
    for name in ("older", "killed"):
        assert read_training(tmp_path / name) == clock.provenance(None)


def test_times_of_two_machines_do_not_add_up(clock, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(clock, tmp_path, 10, begun=False, stopped=True)
    clock.cores = 64
    train(clock, tmp_path, 5, begun=True)
    assert read_training(tmp_path) == dataclasses.replace(clock.provenance(), machine=Machine(64))


def test_a_damaged_file_is_named(clock, tmp_path):
    assert read_training(tmp_path) is None
    (tmp_path / "logs").mkdir()
    (tmp_path / TRAINING).write_text("{}")
    with pytest.raises(InputError, match="logs/training.json: damaged; delete it"):
        read_training(tmp_path)
