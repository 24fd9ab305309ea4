import numpy as np
import pytest

from benchmarks import hostile_photos
from benchmarks.fuzz import (
    GOOD_PHOTOS,
    Answer,
    damage_files,
    decode_photos,
    photo_commands,
    print_table,
    write_photos,
)
from benchmarks.hostile_requests import send_requests
from data_prep.images import ImageError, read_rgb

MODULE = "tests.deepusps_tf.tiny_run"


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


def test_the_table_counts_and_hands_failures_on(capsys):
    answers = [Answer("a", "refused"), Answer("a", "refused"), Answer("b", "failed", "b broke")]
    assert print_table("files", answers, 3) == ["files: b broke"]
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["files", "a", "refused", "2"], ["files", "b", "failed", "1"]]


@pytest.mark.slow
def test_damaged_files_folders_and_requests_are_all_answered(tmp_path):
    answers = list(damage_files(tmp_path, MODULE, 6, 3))
    model = tmp_path / "finished/run/export"
    write_photos(tmp_path / "photos", 30, 2)
    assert GOOD_PHOTOS == 10
    answers += photo_commands(tmp_path / "photos", MODULE, model)
    answers += send_requests(model, 40, 0)
    assert [answer.failure for answer in answers if answer.failure] == []
    assert len(answers) == 6 + 2 + 40
