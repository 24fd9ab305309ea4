import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks.kill_loop import loop, outcome, stage
from tests.deepusps_tf.conftest import disc_photo


def tiny_command(tmp_path) -> list[str]:
    """A whole run of seconds, from photos to the exported model."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    for folder in (images, masks):
        folder.mkdir()
    for number in range(8):
        photo, mask = disc_photo(number)
        Image.fromarray(photo).resize((96, 80)).save(images / f"p{number}.png")
        Image.fromarray(mask).resize((96, 80), 0).save(masks / f"p{number}.png")
    return [
        *(sys.executable, "-m", "tests.deepusps_tf.tiny_run"),
        *(f"--images={images}", f"--masks={masks}", "--holdout=0.25", "--records=records"),
        *("--workdir=run", "--methods=rbd,mc", "--backbone=drn_d_22", "--pretrained=none"),
        *("--size=32", "--batch_size=4", "--rounds=2", "--epochs=3", "--learning_rates=1e-2,1e-2"),
        *("--fusion_epochs=3", "--fusion_learning_rate=1e-2", "--crf_processes=1", "--jobs=1"),
    ]


@pytest.mark.slow
def test_killed_runs_end_like_one_left_alone(tmp_path):
    command = tiny_command(tmp_path)
    report = loop(command=command, scratch=tmp_path / "runs", kills=10, seed=0)
    assert (report.kills, report.differences, report.orphans) == (10, [], 0)
    assert report.finished >= 1 and sum(report.stages.values()) == 10
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
