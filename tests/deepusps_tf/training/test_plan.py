import dataclasses
import json
from pathlib import Path

import pytest

from data_prep.records.layout import PREPARED
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, write_result
from deepusps_tf.training.plan import PhotoCounts, count_photos, done_stages, run_stages

COUNTS = PhotoCounts(10, 4, frozenset({"train", "test"}))


def stages_of(config, counts=COUNTS):
    return {stage.key: stage for stage in run_stages(config, counts)}


@pytest.fixture
def config(tiny_config):
    """A round a method, a joint round and photos of 256x256 pixels, ten to train on."""
    changes = {"rounds": 1, "joint_rounds": 1, "size": 256, "images": "photos"}
    return dataclasses.replace(tiny_config, **changes)


def test_stages_weigh_what_is_known_of_their_work(config):
    stages = stages_of(config)
    rounds = [f"{m}/{part}" for m in ("rbd", "mc") for part in ("round0", "round1")]
    keys = [key for name in rounds for key in (name, f"{name} scores")]
    keys = [key for key in keys if not key.endswith("round0")]
    last = [key for name in ("joint/round1", "fusion") for key in (name, f"{name} scores")]
    assert list(stages) == ["maps", "records", *keys, *last, "export", "report"]
    # 14 photos by two methods; in training 2 epochs of 3 steps of 4.
    assert stages["maps"].seconds == pytest.approx(28 * 0.07) and stages["maps"].amount == 28
    assert stages["records"].seconds == pytest.approx(42 * 0.005)
    assert stages["mc/round1"].seconds == pytest.approx(24 * (0.1 + 0.03))
    assert stages["mc/round1"].amount == 6 and stages["mc/round1"].title == "round 1 of mc"
    assert stages["fusion"].seconds == pytest.approx(24 * 0.1)
    # Training photos are predicted alone, the others refined too.
    assert stages["fusion scores"].seconds == pytest.approx(1 + 10 * 0.03 + 4 * 0.06)
    assert stages["report"].seconds == pytest.approx(15 + 4 * 0.06)
    kinds = {stages[key].kind for key in ("rbd/round1", "mc/round1", "joint/round1")}
    assert kinds == {"training/drn_d_105 256 CRF"}
    assert stages["fusion"].kind == "training/drn_d_105 256"


def test_a_smaller_side_weighs_by_its_area_and_rounds_end_in_predictions(config):
    changes = {"round_size": 128, "joint_labels": "predictions", "fusion_min_steps": 7}
    stages = stages_of(dataclasses.replace(config, **changes))
    assert stages["rbd/round1"].seconds == pytest.approx(24 * 0.13 / 4)
    assert stages["joint/round1"].amount == 9
    assert stages["joint/round1 labels"].seconds == pytest.approx(10 * 0.06)


def test_without_masks_or_rounds_there_are_fewer_stages(config):
    bare = dataclasses.replace(config, images=None, records="r", joint_rounds=0)
    rounds = ["rbd/round1", "mc/round1"]
    assert list(stages_of(bare, PhotoCounts(10))) == [*rounds, "fusion", "export", "report"]
    raw = dataclasses.replace(bare, fusion="direct")
    assert list(stages_of(raw, PhotoCounts(10))) == ["fusion", "export", "report"]
    fused = dataclasses.replace(bare, fusion="assessment")
    assert list(stages_of(fused, PhotoCounts(10)))[2:4] == ["fusion labels", "fusion"]
    taken = dataclasses.replace(bare, refined="other")
    assert list(stages_of(taken, PhotoCounts(10))) == ["fusion", "export", "report"]


def test_photos_are_counted_in_records_in_folders_and_of_the_sample(config, tmp_path):
    assert count_photos(dataclasses.replace(config, images=None)) == COUNTS
    sample = dataclasses.replace(config, images=None, sample_size=80, records=str(tmp_path / "n"))
    assert count_photos(sample) == PhotoCounts(64, 16, COUNTS.masked)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(10):
        (photos / f"{number}.jpg").touch()
    listed = dataclasses.replace(sample, images=str(photos), sample_size=0)
    assert count_photos(listed) == PhotoCounts(10)
    masked = dataclasses.replace(listed, masks="masks", holdout=0.3)
    assert count_photos(masked) == PhotoCounts(7, 3, COUNTS.masked)


def test_what_lies_whole_on_disk_is_done(config, tmp_path):
    assert done_stages(config) == set()
    (Path(config.records) / PREPARED).write_text(json.dumps({}))
    folder = Path(config.workdir) / "rbd/round1"
    folder.mkdir(parents=True)
    write_result(RoundResult(folder, None, RoundFigures((), None)))
    (folder / "scores.json").write_text("[]")
    (Path(config.workdir) / "export/1").mkdir(parents=True)
    done = {"maps", "records", "rbd/round1", "rbd/round1 scores", "export"}
    assert done_stages(config) & set(stages_of(config)) == done
