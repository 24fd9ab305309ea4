import cv2
import numpy as np
import pytest

from data_prep.sample import composites as sample_composites
from data_prep.sample.composites import compose
from data_prep.sample.sources import (
    BACKGROUNDS,
    CUT_OUTS,
)


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
