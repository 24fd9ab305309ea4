import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.sample import composites as sample_composites
from data_prep.sample import sample
from data_prep.sample import sources as sample_sources
from data_prep.sample.composites import MAX_AREA, MIN_AREA, compose
from data_prep.sample.masks import RINGS, outline_mask
from data_prep.sample.sample import SampleSummary, contact_sheet, write_sample
from data_prep.sample.sources import (
    BACKGROUNDS,
    CUT_OUTS,
    PHOTOGRAPHS,
    SCENES,
    load_background,
    load_cut_out,
    load_photograph,
    load_scene,
)

REPOSITORY = Path(__file__).parents[3]

# (x, y) of points that are surely on the object, and surely off it, in pixels of the photograph.
FACTS = {
    "astronaut": ([(225, 120), (200, 300), (420, 450)], [(20, 100), (420, 150), (120, 60)]),
    "motorcycle": (
        [(440, 200), (360, 330), (240, 200), (665, 370), (332, 410)],
        [(545, 240), (300, 450), (600, 100), (480, 330)],
    ),
    "flower": ([(310, 220), (200, 200)], [(60, 100), (600, 300), (150, 300)]),
    "rocket": ([(322, 200), (322, 400)], [(200, 200), (345, 200), (322, 120)]),
    "camera": (
        [(220, 100), (80, 300), (285, 155), (293, 430), (140, 400)],
        [(330, 450), (430, 140), (260, 380), (285, 100), (200, 450)],
    ),
    "coins": ([(44, 54), (335, 44), (347, 187)], [(72, 90), (130, 195), (300, 10)]),
    "chelsea": ([(268, 243), (170, 110), (310, 140), (20, 250)], [(430, 30), (10, 50), (400, 200)]),
    "coffee": ([(285, 150), (412, 75), (120, 200), (365, 280)], [(550, 50), (20, 30), (60, 350)]),
    "china": ([(205, 50), (200, 170), (250, 270)], [(205, 10), (450, 250), (100, 80), (40, 400)]),
}


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


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.photo)
def test_points_of_the_photographs(scene):
    photo = load_photograph(scene.photo)
    mask = outline_mask(scene.outline, height=photo.shape[0], width=photo.shape[1])
    on, off = FACTS[scene.photo]
    assert [mask[y, x] for x, y in on] == [255] * len(on)
    assert [mask[y, x] for x, y in off] == [0] * len(off)


def test_scene_box_cuts_photo_and_mask_alike():
    rocket = next(scene for scene in SCENES if scene.photo == "rocket")
    rgb, mask = load_scene(rocket)
    assert rgb.shape == (327, 290, 3)
    assert mask.shape == (327, 290)
    assert mask[100, 322 - 180] == 255
    np.testing.assert_array_equal(rgb[0, 0], load_photograph("rocket")[100, 180])


def test_coins_are_24_objects():
    assert cv2.connectedComponents(outline_mask("coins", height=303, width=384))[0] - 1 == 24


@pytest.mark.parametrize("cut_out", CUT_OUTS, ids=lambda item: item.outline)
def test_cut_out_touches_the_sides_that_cut_it(cut_out):
    rgb, mask = load_cut_out(cut_out)
    assert rgb.shape == (*mask.shape, 3)
    borders = {"left": mask[:, 0], "top": mask[0], "right": mask[:, -1], "bottom": mask[-1]}
    assert all(border.any() for border in borders.values())
    photo = load_photograph(cut_out.photo)
    left, top, right, bottom = cut_out.box or (0, 0, photo.shape[1], photo.shape[0])
    assert 0 <= left < right <= photo.shape[1]
    assert 0 <= top < bottom <= photo.shape[0]
    for side in cut_out.cut_sides:
        assert np.count_nonzero(borders[side]) >= 0.05 * borders[side].size


def test_coin_cut_outs_split_no_coin():
    for cut_out in (item for item in CUT_OUTS if item.photo == "coins"):
        left, top, right, bottom = cut_out.box
        whole = outline_mask("coins", height=303, width=384)
        _, labels = cv2.connectedComponents(whole)
        inside = set(np.unique(labels[top:bottom, left:right])) - {0}
        labels[top:bottom, left:right] = 0
        assert len(inside) == 6
        assert not inside & set(np.unique(labels))


@pytest.mark.parametrize("background", BACKGROUNDS, ids=lambda item: item.photo)
def test_backgrounds_hold_no_object(background):
    photo = load_photograph(background.photo)
    height, width = photo.shape[:2]
    left, top, right, bottom = background.box
    pixels = load_background(background)
    assert pixels.shape == (bottom - top, right - left, 3)
    outlines = {scene.outline for scene in SCENES if scene.photo == background.photo}
    for outline in outlines - {background.without}:
        assert not outline_mask(outline, height=height, width=width)[top:bottom, left:right].any()


def test_painted_over_rocket_is_sky():
    rocket = next(item for item in BACKGROUNDS if item.photo == "rocket")
    left, top, _, _ = rocket.box
    painted = load_background(rocket)[250 - top, 322 - left].astype(int)
    beside = load_photograph("rocket")[250, 345].astype(int)
    assert np.abs(painted - beside).max() < 20
    assert load_photograph("rocket")[250, 322].astype(int).min() > beside.max()


def test_outline_fills_holes_by_the_even_odd_rule(monkeypatch):
    monkeypatch.setitem(RINGS, "frame", ("1 1 8 1 8 8 1 8", "3 3 6 3 6 6 3 6"))
    mask = outline_mask("frame", height=10, width=12)
    assert mask.shape == (10, 12)
    assert mask[1, 1] == 255
    assert mask[2, 5] == 255
    assert mask[4, 4] == 0
    assert mask[9, 9] == 0
    # Outlines belong to the object: an 8x8 square less the inner ring's 2x2 inside.
    assert np.count_nonzero(mask) == 64 - 4


@pytest.mark.parametrize("seed", range(4))
def test_cameraman_stands_in_a_lower_corner(seed):
    cut_out = next(item for item in CUT_OUTS if item.outline == "cameraman")
    ground = next(item for item in BACKGROUNDS if item.photo == "brick")
    rng = np.random.default_rng(seed)
    rgb, mask, chosen = compose(rng, cut_out=cut_out, backgrounds=[ground])
    assert chosen is ground
    assert rgb.dtype == np.uint8
    assert rgb.shape == (*mask.shape, 3)
    assert (mask[-1, 0] == 255) != (mask[-1, -1] == 255)


def test_mask_is_where_the_object_is(monkeypatch):
    green = np.zeros((240, 240, 3), np.uint8)
    green[..., 1] = 255
    disc = cv2.circle(np.zeros((240, 240), np.uint8), (120, 120), 118, 255, -1)
    blue = np.zeros((100, 100, 3), np.uint8)
    blue[..., 2] = 255
    monkeypatch.setattr(sample_composites, "load_cut_out", lambda item: (green, disc))
    monkeypatch.setattr(sample_composites, "load_background", lambda item: blue)
    cut_out = next(item for item in CUT_OUTS if item.outline == "flower")
    rgb, mask, _ = compose(np.random.default_rng(0), cut_out=cut_out, backgrounds=[BACKGROUNDS[0]])
    share = np.count_nonzero(mask) / mask.size
    assert cut_out.area[0] * 0.9 <= share <= cut_out.area[1] * 1.02
    core = cv2.erode(mask, np.ones((7, 7))) == 255
    far = cv2.dilate(mask, np.ones((7, 7))) == 0
    assert rgb[core][:, 1].min() > 180
    assert rgb[core][:, 2].max() == 0
    assert rgb[far][:, 1].max() == 0
    assert rgb[far][:, 2].min() > 120


def test_composite_that_cannot_be_met_is_an_error(monkeypatch):
    monkeypatch.setattr(sample_composites, "_MIN_CONTRAST", 1e9)
    monkeypatch.setattr(sample_composites, "_TRIES", 3)
    with pytest.raises(RuntimeError, match="no composite of astronaut"):
        compose(np.random.default_rng(0), cut_out=CUT_OUTS[0], backgrounds=list(BACKGROUNDS[:2]))


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


def test_package_without_the_photograph(monkeypatch):
    absent = sample_sources.Photograph("skimage", "data/absent.png", "train")
    monkeypatch.setitem(PHOTOGRAPHS, "absent", absent)
    with pytest.raises(InputError, match=r"skimage/data/absent\.png: .*requirements\.txt"):
        load_photograph("absent")


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
