import h5py
import numpy as np
import pytest

from benchmarks.kill_loop import loop, outcome, stage
from tests.deepusps_tf.tiny_run import short_command

KILLS = 3


@pytest.mark.slow
def test_killed_runs_end_like_one_left_alone(tmp_path):
    command = [*short_command(tmp_path), "--rounds=2", "--learning_rates=1e-2,1e-2"]
    report = loop(command=command, scratch=tmp_path / "runs", kills=KILLS, seed=0)
    assert (report.kills, report.differences, report.orphans) == (KILLS, [], 0)
    assert report.finished >= 1 and sum(report.stages.values()) == KILLS
    kept = outcome(tmp_path / "runs/reference")
    for part in ("records/train/images", "rbd/round2/labels", "fusion/network", "variables.index"):
        assert any(part in name for name in kept), part


def test_stage_of_a_stopped_run(tmp_path):
    assert stage(tmp_path) == "start"
    (tmp_path / "records").mkdir()
    assert stage(tmp_path) == "preparation"
    (tmp_path / "records/prepared").touch()
    (tmp_path / "run/rbd/round0").mkdir(parents=True)
    (tmp_path / "run/rbd/round0/scores.json").touch()
    assert stage(tmp_path) == "rounds (1 files scored)"
    (tmp_path / "run/fusion").mkdir()
    assert stage(tmp_path) == "fusion"
    (tmp_path / "run/fusion/scores.json").touch()
    assert stage(tmp_path) == "report and export"


def test_difference_is_found(tmp_path):
    (tmp_path / "run/logs").mkdir(parents=True)
    for name in ("run/weights", "run/logs/events", "output"):
        (tmp_path / name).write_text("a")
    before = outcome(tmp_path)
    (tmp_path / "run/logs/events").write_text("b")
    assert outcome(tmp_path) == before and list(before) == ["run/weights"]
    (tmp_path / "run/weights").write_bytes(np.float32(1).tobytes())
    assert outcome(tmp_path) != before


def test_a_network_with_any_byte_damaged_is_told_from_the_whole(tmp_path):
    path = tmp_path / "network.weights.h5"
    with h5py.File(path, "w") as file:
        file["layer/kernel"] = np.arange(4, dtype=np.float32)
    whole, hashed = path.read_bytes(), outcome(tmp_path)
    unlike = 0
    for place in range(0, len(whole), 13):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        unlike += outcome(tmp_path) != hashed
    assert unlike > 20  # bytes between HDF5's blocks hold nothing
