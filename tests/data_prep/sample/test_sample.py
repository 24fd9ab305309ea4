import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.sample import sample
from data_prep.sample.composites import MAX_AREA, MIN_AREA
from data_prep.sample.sample import SampleSummary, contact_sheet, write_sample
from data_prep.sample.sources import (
    PHOTOGRAPHS,
)

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    output = tmp_path_factory.mktemp("sample") / "new" / "sample"
    summary = write_sample(output=output, size=40, seed=3, progress=False)
    assert summary == SampleSummary(train=28, test=12, kept=False)
    return output


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_pair(folder, split, stem):
    rgb = cv2.imread(str(folder / split / "images" / f"{stem}.jpg"))
    mask = cv2.imread(str(folder / split / "masks" / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
    return rgb, mask


def test_layout_and_masks(folder):
    assert {path.name for path in folder.iterdir()} == {"train", "test", "sources.json"}
    for split, count in (("train", 28), ("test", 12)):
        stems = [f"{split}-{index:04d}" for index in range(count)]
        assert sorted(path.name for path in (folder / split / "images").iterdir()) == [
            f"{stem}.jpg" for stem in stems
        ]
        assert sorted(path.name for path in (folder / split / "masks").iterdir()) == [
            f"{stem}.png" for stem in stems
        ]
        for stem in stems:
            rgb, mask = read_pair(folder, split, stem)
            assert rgb.shape[:2] == mask.shape
            assert mask.dtype == np.uint8
            assert set(np.unique(mask)) == {0, 255}
            assert 227 <= min(mask.shape) <= 355
            assert 300 <= max(mask.shape) <= 400


def test_area_of_composites_is_bounded(folder):
    scenes = {"train": 6, "test": 3}
    for split, first in scenes.items():
        paths = sorted((folder / split / "masks").iterdir())
        shares = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).mean() / 255 for path in paths]
        assert min(shares[first:]) >= MIN_AREA
        assert max(shares[first:]) <= MAX_AREA
        assert min(shares[:first]) > 0.06
        assert max(shares[:first]) < 0.76


def test_no_photograph_is_in_both_splits(folder):
    sources = json.loads((folder / "sources.json").read_text())
    assert len(sources["images"]) == 40
    used = {"train": set(), "test": set()}
    for image_id, image in sources["images"].items():
        assert image_id.startswith(image["split"])
        used[image["split"]] |= {
            sources["photographs"][name]["file"] for name in image["photographs"]
        }
    assert len(used["train"]) >= 9
    assert len(used["test"]) >= 4
    assert not used["train"] & used["test"]


def test_no_file_stands_under_two_names():
    files = [(photo.package, photo.path) for photo in PHOTOGRAPHS.values()]
    assert len(set(files)) == len(files)
    assert {photo.split for photo in PHOTOGRAPHS.values()} == {"train", "test"}


def test_sources_name_the_first_composites(folder):
    images = json.loads((folder / "sources.json").read_text())["images"]
    assert images["test-0000"] == {"split": "test", "object": "cat", "photographs": ["chelsea"]}
    composite = images["train-0006"]
    assert composite["object"] == "astronaut"
    assert composite["photographs"][0] == "astronaut"
    assert len(set(composite["photographs"])) == 2


def test_same_size_and_seed_give_the_same_bytes(folder, tmp_path):
    write_sample(output=tmp_path / "again", size=40, seed=3, progress=False)
    assert digests(tmp_path / "again") == digests(folder)


def test_size_only_adds_images_and_seed_changes_composites_only(folder, tmp_path):
    whole = digests(folder)
    write_sample(output=tmp_path / "small", size=24, seed=3, progress=False)
    small = digests(tmp_path / "small")
    del small["sources.json"]
    assert small.items() <= whole.items()
    write_sample(output=tmp_path / "seeded", size=24, seed=4, progress=False)
    seeded = digests(tmp_path / "seeded")
    del seeded["sources.json"]
    equal = {name for name in small if small[name] == seeded[name] and "images" in name}
    scenes = [f"train/images/train-{index:04d}.jpg" for index in range(6)]
    scenes += [f"test/images/test-{index:04d}.jpg" for index in range(3)]
    assert equal == set(scenes)


@pytest.mark.parametrize(
    ("size", "seed", "word"),
    [(23, 0, "sample_size=23"), (5001, 0, "24 to 5000"), (40, -1, "seed=-1")],
)
def test_size_and_seed_out_of_range(tmp_path, size, seed, word):
    with pytest.raises(InputError, match=word):
        write_sample(output=tmp_path / "sample", size=size, seed=seed, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_same_sample_is_kept(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    summary = write_sample(output=folder, size=40, seed=3, progress=False)
    assert summary == SampleSummary(train=28, test=12, kept=True)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize(("size", "seed"), [(40, 4), (41, 3)])
def test_another_sample_is_not_overwritten(folder, size, seed):
    before = digests(folder)
    with pytest.raises(InputError, match="another size or seed; choose another folder"):
        write_sample(output=folder, size=size, seed=seed, progress=False)
    assert digests(folder) == before


def test_foreign_folder_is_refused_and_an_empty_one_is_filled(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is no sample; choose another folder"):
        write_sample(output=tmp_path, size=24, seed=0, progress=False)
    (tmp_path / "sources.json").write_text("[]")
    with pytest.raises(InputError, match="is no sample"):
        write_sample(output=tmp_path, size=24, seed=0, progress=False)
    with pytest.raises(InputError, match="is no sample"):
        write_sample(output=tmp_path / "notes.txt", size=24, seed=0, progress=False)
    with pytest.raises(InputError, match="cannot be written"):
        write_sample(output=tmp_path / "notes.txt" / "sub", size=24, seed=0, progress=False)
    (tmp_path / "empty").mkdir()
    summary = write_sample(output=tmp_path / "empty", size=24, seed=0, progress=False)
    assert summary == SampleSummary(train=12, test=12, kept=False)


def test_missing_image_is_named(tmp_path):
    output = tmp_path / "sample"
    write_sample(output=output, size=24, seed=0, progress=False)
    (output / "test" / "masks" / "test-0002.png").unlink()
    with pytest.raises(InputError, match=r"test-0002\.png: is missing"):
        write_sample(output=output, size=24, seed=0, progress=False)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_when_writing_stops(tmp_path, monkeypatch, error):
    def stop(*args, **kwargs):
        raise error

    monkeypatch.setattr(sample, "compose", stop)
    expected = InputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_sample(output=tmp_path / "sample", size=24, seed=0, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_contact_sheet_shows_photos_and_contours(folder, tmp_path):
    contact_sheet(split_folder=folder / "test", output=tmp_path / "sheet.png", columns=5, cell=100)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (300, 500, 3)
    assert all(
        sheet[y : y + 50, x : x + 50].std() > 5 for y in (0, 100) for x in range(0, 500, 100)
    )
    assert not sheet[200:, 200:].any()
    greenness = sheet[..., 1].astype(int) - sheet[..., [0, 2]].max(axis=2)
    assert np.count_nonzero(greenness > 40) > 500
    with pytest.raises(InputError, match="holds no images"):
        contact_sheet(split_folder=tmp_path, output=tmp_path / "none.png")


def run_command_line(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "data_prep.sample", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_command_line(tmp_path):
    output, sheets = tmp_path / "sample", tmp_path / "sheets"
    done = run_command_line(
        f"--output={output}", "--sample_size=24", "--seed=5", f"--contact_sheets={sheets}"
    )
    assert done.returncode == 0, done.stderr
    assert "12 train and 12 test images written" in done.stderr
    assert "WARN" not in done.stderr
    assert {path.name for path in sheets.iterdir()} == {"train.png", "test.png"}
    assert json.loads((output / "sources.json").read_text())["seed"] == 5
    again = run_command_line(f"--output={output}", "--sample_size=30")
    assert again.returncode == 2
    assert again.stderr.strip().endswith("choose another folder")
    assert len(again.stderr.strip().splitlines()) == 1
