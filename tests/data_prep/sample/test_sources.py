import cv2
import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.sample import sources as sample_sources
from data_prep.sample.masks import outline_mask
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


def test_package_without_the_photograph(monkeypatch):
    absent = sample_sources.Photograph("skimage", "data/absent.png", "train")
    monkeypatch.setitem(PHOTOGRAPHS, "absent", absent)
    with pytest.raises(InputError, match=r"skimage/data/absent\.png: .*requirements\.txt"):
        load_photograph("absent")
