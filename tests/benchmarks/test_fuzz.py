import shutil
import sys

import numpy as np
import pytest

from benchmarks import hostile_photos
from benchmarks.fuzz import (
    GOOD_PHOTOS,
    _damage_one,
    _hashes,
    _superseded,
    damage_files,
    decode_photos,
    photo_commands,
    write_photos,
)
from benchmarks.hostile_requests import send_requests
from benchmarks.kill_loop import SMALL_RUN
from data_prep.pictures.images import read_rgb
from data_prep.pictures.opening import ImageError

MODULE = "tests.deepusps_tf.tiny_run"
FILES = 3


def generator(seed=0):
    return np.random.default_rng(seed)


def test_pictures_are_whole_before_they_are_damaged(tmp_path):
    for kind in hostile_photos._FORMATS:
        path = tmp_path / "picture"
        path.write_bytes(hostile_photos.picture(kind, generator()))
        rgb = read_rgb(path)
        assert rgb.shape == (48, 48, 3) and rgb[20, 20, 0] > rgb[20, 20, 2] + 40, kind


@pytest.mark.parametrize("damage", sorted(hostile_photos.DAMAGES))
def test_damage_is_drawn_from_its_seed_and_changes_the_file(damage):
    data, apply = bytes(range(1, 201)), hostile_photos.DAMAGES[damage]
    drawn = [apply(data, generator(seed)) for seed in range(5)]
    assert drawn == [apply(data, generator(seed)) for seed in range(5)]
    assert len(set(drawn)) > 1 and data not in drawn
    apply(b"", generator())


def test_crafted_files_are_what_they_say(tmp_path):
    crafted = {name: make(generator()) for name, make in hostile_photos._CRAFTED.items()}
    assert max(len(data) for data in crafted.values()) < 300_000
    path = tmp_path / "crafted"
    path.write_bytes(crafted["PNG of too many pixels"])
    with pytest.raises(ImageError, match="more than 150,000,000 pixels"):
        read_rgb(path)
    path.write_bytes(crafted["GIF of 500 frames"])
    assert read_rgb(path).shape == (8, 8, 3)


def test_hostile_photos_are_all_answered(tmp_path):
    kinds = write_photos(tmp_path / "photos", 60, 1)
    answers = list(decode_photos(tmp_path / "photos", kinds))
    assert len(answers) == len(kinds) == 60
    assert [answer.failure for answer in answers if answer.failure] == []
    assert {"decoded", "refused"} == {answer.verdict for answer in answers}


def test_unanswered_photos_are_failures(tmp_path):
    (tmp_path / "photos").mkdir()
    (answer,) = decode_photos(tmp_path / "photos", {"0000.png": "PNG, cut"})
    assert answer.verdict == "failed" and "0000.png (PNG, cut): no answer" in answer.failure


def write_commits(round_folder, *epochs):
    for epoch in epochs:
        folder = round_folder / f"checkpoints/epoch-{epoch:04d}"
        folder.mkdir(parents=True)
        for path in (folder / "state.json", folder / "model.weights.h5"):
            path.write_text(f"{epoch}")
        (round_folder / f"checkpoints/mva-{epoch:04d}.npy").write_text(f"{epoch}")


COMMIT = ("epoch-0001/model.weights.h5", "epoch-0001/state.json", "mva-0001.npy")


@pytest.mark.parametrize("name", [*COMMIT, "epoch-0002/state.json", "mva-0002.npy"])
def test_a_commit_is_superseded_by_a_later_whole_one_or_the_end_of_its_round_alone(tmp_path, name):
    path = tmp_path / "checkpoints" / name
    write_commits(tmp_path, 1)
    assert not _superseded(path)
    (tmp_path / "checkpoints/epoch-0003.tmp").mkdir()
    (tmp_path / "checkpoints/epoch-0004").mkdir()  # without its files
    assert not _superseded(path)
    write_commits(tmp_path, 3)
    assert _superseded(path)
    (tmp_path / "checkpoints/epoch-0003/state.json").unlink()
    assert not _superseded(path)
    shutil.rmtree(tmp_path / "checkpoints")
    assert not _superseded(path)
    (tmp_path / "round.json").touch()
    assert _superseded(path)


def test_no_average_is_superseded_by_an_epoch_without_one_and_no_other_file_by_any(tmp_path):
    write_commits(tmp_path, 1, 2)
    (tmp_path / "checkpoints/mva-0002.npy").unlink()
    assert not _superseded(tmp_path / "checkpoints/mva-0001.npy")
    assert not _superseded(tmp_path / "network.weights.h5")


def test_a_refused_command_may_change_an_epoch_under_way_but_no_commit(tmp_path):
    run = tmp_path / "run/rbd/round2"
    write_commits(run, 1)
    (run / "checkpoints/mva-0002.npy").touch()
    (run / "checkpoints/epoch-0002.tmp").mkdir()
    (run / "checkpoints/epoch-0002.tmp/state.json").touch()
    (tmp_path / "run/report").mkdir()
    (tmp_path / "run/report/index.html").touch()
    kept = {f"run/rbd/round2/checkpoints/{name}" for name in COMMIT}
    assert _hashes(tmp_path, "").keys() == kept
    damaged = f"run/rbd/round2/checkpoints/{COMMIT[0]}"
    before = _hashes(tmp_path, damaged)
    assert before.keys() == kept - {damaged}
    (run / "checkpoints/mva-0001.npy").write_text("other")
    changed = {name for name, _ in before.items() - _hashes(tmp_path, damaged).items()}
    assert changed == {"run/rbd/round2/checkpoints/mva-0001.npy"}


@pytest.mark.parametrize(("epoch", "verdict"), [(1, "failed"), (3, "refused")])
def test_a_commit_moved_by_a_refused_command_is_lost_unless_to_a_later_epoch(
    tmp_path, epoch, verdict
):
    run = tmp_path / "run/rbd/round2"
    write_commits(run, 2)
    folder = f"{run}/checkpoints"
    code = (
        "import pathlib, sys\n"
        f"for path in list(pathlib.Path({folder!r}).glob('*-0002*')):\n"
        f"    path.rename(str(path).replace('-0002', '-{epoch:04d}'))\n"
        "sys.exit('error: refused')"
    )
    answer = _damage_one(tmp_path, [sys.executable, "-c", code], "train", generator(), {})
    assert answer.verdict == verdict
    assert ("lost ['run/rbd/round2/checkpoints/" in answer.failure) == (verdict == "failed")


@pytest.mark.slow
def test_damaged_files_folders_and_requests_are_all_answered(tmp_path, monkeypatch):
    short = ("--methods=rbd", "--epochs=2", "--fusion_epochs=1")
    monkeypatch.setattr("benchmarks.fuzz.SMALL_RUN", (*SMALL_RUN, *short))
    answers = list(damage_files(tmp_path, MODULE, FILES, 3))
    model = tmp_path / "finished/run/export"
    write_photos(tmp_path / "photos", 30, 2)
    assert GOOD_PHOTOS == 10
    answers += photo_commands(tmp_path / "photos", MODULE, model)
    answers += send_requests(model, 40, 0)
    assert [answer.failure for answer in answers if answer.failure] == []
    assert len(answers) == FILES + 2 + 40
