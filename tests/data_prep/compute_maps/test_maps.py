import os

import numpy as np
import pytest
from PIL import Image

from data_prep import compute_maps as module
from data_prep.base.errors import InputError
from data_prep.compute_maps import compute_maps
from data_prep.methods.names import METHODS
from data_prep.pictures import file_hashes, reading
from data_prep.pictures.images import write_png
from data_prep.pictures.masks import read_grey
from data_prep.pictures.origin import photo_hash, read_origin
from tests.data_prep.compute_maps.conftest import (
    TWO,
    add_photo,
    constant,
)


def test_maps_are_the_methods_values_at_the_photos_size(photos, tmp_path, monkeypatch):
    ramp = np.linspace(0, 1, 60, dtype=np.float32)
    monkeypatch.setitem(METHODS._parts, "rbd", lambda rgb: np.tile(ramp, (48, 1)))
    monkeypatch.setitem(METHODS._parts, "mc", constant(0.5))
    summary = compute_maps(
        images=photos, output=tmp_path / "maps", methods=TWO, jobs=1, progress=False
    )
    assert summary == module.MapsSummary(written=6, kept=0, skipped={})
    expected = np.round(np.tile(ramp, (48, 1)) * 255).astype(np.uint8)
    for name in ("a b", "é", "c"):
        np.testing.assert_array_equal(read_grey(tmp_path / f"maps/rbd/{name}.png"), expected)
        assert (read_grey(tmp_path / f"maps/mc/{name}.png") == 128).all()
        with Image.open(tmp_path / f"maps/mc/{name}.png") as stored:
            assert stored.mode == "L"
    assert sorted(p.name for p in (tmp_path / "maps").rglob("*")) == sorted(
        [".lock", "rbd", "mc", *(2 * ["a b.png", "é.png", "c.png"])]
    )


def test_large_photos_are_computed_small_and_brought_back(tmp_path, monkeypatch):
    add_photo(tmp_path / "photos", "large.png", size=(1000, 500))
    shapes = []

    def record(rgb):
        shapes.append(rgb.shape)
        return np.tile(np.linspace(0, 1, rgb.shape[1], dtype=np.float32), (rgb.shape[0], 1))

    monkeypatch.setitem(METHODS._parts, "rbd", record)
    options = {"images": tmp_path / "photos", "methods": ["rbd"], "jobs": 1, "progress": False}
    compute_maps(output=tmp_path / "maps", max_side=100, **options)
    assert shapes == [(50, 100, 3)]
    large = read_grey(tmp_path / "maps/rbd/large.png")
    assert large.shape == (500, 1000)
    np.testing.assert_allclose(large[250], np.linspace(0, 255, 1000), atol=3)


def test_finished_maps_are_kept_and_photos_decoded_once(photos, tmp_path, monkeypatch):
    decoded = []
    read = reading.read_rgb_within

    def count(path, **options):
        decoded.append(path.name)
        return read(path, **options)

    monkeypatch.setattr(reading, "read_rgb_within", count)
    for name in TWO:
        monkeypatch.setitem(METHODS._parts, name, constant(0))
    options = {"images": photos, "output": tmp_path / "maps", "jobs": 1, "progress": False}
    assert compute_maps(methods=["rbd"], **options).written == 3
    (tmp_path / "maps/rbd/c.png").write_bytes(b"kept as it is")
    (tmp_path / "maps/rbd/é.png").unlink()
    decoded.clear()
    summary = compute_maps(methods=TWO, **options)
    assert (summary.written, summary.kept) == (4, 2)
    assert sorted(decoded) == ["a b.png", "c.webp", "é.jpg"]
    assert (tmp_path / "maps/rbd/c.png").read_bytes() == b"kept as it is"
    decoded.clear()
    assert compute_maps(methods=TWO, **options).kept == 6
    assert decoded == []


def test_maps_are_made_again_of_a_photo_that_was_replaced_or_edited(photos, tmp_path, monkeypatch):
    def level(rgb):
        return np.full(rgb.shape[:2], rgb[0, 0, 0] / 255, np.float32)

    for name in TWO:
        monkeypatch.setitem(METHODS._parts, name, level)
    options = {"images": photos, "output": tmp_path / "maps", "jobs": 1, "progress": False}
    compute_maps(methods=TWO, **options)
    photo, before = photos / "a b.png", (photos / "a b.png").stat()
    edited = np.full((48, 60, 3), 77, np.uint8)
    Image.fromarray(edited).save(photo)
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))  # as of an older photo
    summary = compute_maps(methods=TWO, **options)
    assert (summary.written, summary.kept) == (2, 4)
    for name in TWO:
        path = tmp_path / f"maps/{name}/a b.png"
        assert (read_grey(path) == 77).all()
        assert read_origin(path) == photo_hash(photo)
    write_png(tmp_path / "maps/rbd/c.png", np.full((48, 60), 9, np.uint8))  # by hand, or as of old
    add_photo(photos, "c.webp", size=(66, 48))
    summary = compute_maps(methods=TWO, **options)
    assert (summary.written, summary.kept) == (1, 5)
    assert (read_grey(tmp_path / "maps/rbd/c.png") == 9).all()
    photo.write_bytes(b"no photo any more")
    summary = compute_maps(methods=TWO, **options)
    assert list(summary.skipped) == [photo] and summary.kept == 4


def test_photos_that_did_not_change_are_read_once_for_all_later_runs(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS._parts, "rbd", constant(0))
    options = {"images": photos, "output": tmp_path, "jobs": 1, "progress": False}
    for _ in range(2):
        compute_maps(methods=["rbd"], **options)
    monkeypatch.setattr(file_hashes, "photo_hash", None)
    assert compute_maps(methods=["rbd"], **options).kept == 3


def test_broken_photos_and_failures_are_named_and_the_rest_goes_on(photos, tmp_path, monkeypatch):
    (photos / "zero.jpg").write_bytes(b"")
    (photos / "text.jpg").write_text("no photo")
    add_photo(photos, "odd.png", size=(61, 48))

    def fail_on_odd(rgb):
        if rgb.shape[1] == 61:
            raise ValueError("odd\nwidth")
        return np.zeros(rgb.shape[:2], np.float32)

    monkeypatch.setitem(METHODS._parts, "rbd", fail_on_odd)
    monkeypatch.setitem(METHODS._parts, "mc", constant(1))
    monkeypatch.setitem(METHODS._parts, "hs", constant(np.nan))
    options = {"images": photos, "output": tmp_path / "maps", "jobs": 1, "progress": False}
    summary = compute_maps(methods=TWO, **options)
    assert summary.written == 3 + 4
    assert summary.skipped == {
        photos / "odd.png": "rbd failed (ValueError: odd width); leave the photo out",
        photos / "text.jpg": "is no picture this program reads; convert it to JPEG or PNG,"
        " or remove it",
        photos / "zero.jpg": "is empty; fetch it again or remove it",
    }
    assert not (tmp_path / "maps/rbd/odd.png").exists()
    assert len(compute_maps(methods=["hs"], **options).skipped) == 6
    assert not (tmp_path / "maps/hs").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": ["rbd", "gmr"]}, "'gmr' is unknown; choose from .*rbd"),
        ({"methods": []}, "none given"),
        ({"methods": ["mc", "mc"]}, "named twice"),
        ({"jobs": -1}, "-1 is negative"),
        ({"max_side": 0}, "0 is too small"),
        ({"images": "absent"}, "no such folder"),
    ],
)
def test_mistakes(photos, tmp_path, change, message):
    options = {"images": photos, "output": tmp_path / "maps", "methods": ["rbd"], **change}
    with pytest.raises(InputError, match=message):
        compute_maps(**options)
    assert not (tmp_path / "maps").exists()


def test_a_full_disk_ends_the_run_in_one_line(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS._parts, "rbd", constant(0))

    def full(self, stream, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(InputError, match=r"No space left on device\); free some space"):
        compute_maps(images=photos, output=tmp_path, methods=["rbd"], jobs=1, progress=False)


def test_photos_of_subfolders_have_their_maps_there(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS._parts, "mc", constant(0.5))
    add_photo(photos / "sub", "c.png")
    (photos / "notes.txt").touch()
    options = {"images": photos, "output": tmp_path / "maps", "jobs": 1, "progress": False}
    flat = compute_maps(**options, methods=("mc",))
    assert flat.written == 3
    assert flat.passed_over.reasons == {"notes.txt": ".txt", "sub": "subfolder"}
    walked = compute_maps(**options, methods=("mc",), recursive=True)
    assert (walked.written, walked.kept) == (1, 3)
    assert walked.passed_over.reasons == {"notes.txt": ".txt"}
    assert (read_grey(tmp_path / "maps/mc/sub/c.png") == 128).all()
    taken = compute_maps(**options, methods=(f"own={tmp_path}/maps/mc",), recursive=True)
    assert taken.written == 4 and (tmp_path / "maps/own/sub/c.png").is_file()
