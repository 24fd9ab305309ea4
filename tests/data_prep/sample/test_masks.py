import numpy as np

from data_prep.sample.masks import RINGS, outline_mask


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
