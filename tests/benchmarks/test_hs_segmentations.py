import numpy as np
import pytest
from PIL import Image

from benchmarks import base_segmentations
from benchmarks.hs_segmentations import (
    CONSTANTS,
    SEGMENTATIONS,
    Pair,
    boundary_agreement,
    flat_regions,
    measure_constants,
    measure_segmentation,
    read_pairs,
)
from data_prep.base.errors import InputError
from data_prep.methods import hs, hs_layers


def photo_of_squares():
    rgb = np.full((90, 130, 3), (40, 60, 50), np.uint8)
    rgb[30:70, 20:60] = (200, 30, 30)
    rgb[10:50, 70:110] = (60, 90, 200)
    rgb[75:85, 90:100] = (100, 120, 110)
    return rgb


def test_join_alike_by_hand():
    # Leeway 6 over sizes 2, 2, 3: 0 and 1 differ by 2 <= 6/2 and join, with 2 within. Region 2
    # differs by 3: within 2 + 6/4 = 3.5 of the group, but not within its own 0 + 6/3 = 2.
    pairs, distances = np.array([[0, 1], [1, 2]]), np.array([2.0, 3.0])
    join = base_segmentations.join_alike
    groups = join(pairs, distances, np.array([2.0, 2.0, 3.0]), 6.0)
    assert groups[0] == groups[1] != groups[2]
    groups = join(pairs, distances, np.array([2.0, 2.0, 2.0]), 6.0)
    assert groups[0] == groups[1] == groups[2]


def test_boundary_agreement_by_hand():
    labels = np.array([[0, 0, 1, 1, 2]])
    reference = np.array([[50, 90, 90, 70, 70]], np.uint8)
    assert boundary_agreement(labels, reference) == (0, 0)
    reference = np.array([[50, 90, 70, 70, 70]], np.uint8)  # both, of 2 boundaries and 2 changes
    assert boundary_agreement(labels, reference) == (0.5, 0.5)
    reference = np.array([[50, 50, 70, 255, 254]], np.uint8)  # the last pair is white
    assert boundary_agreement(labels, reference) == (1, 0.5)
    assert boundary_agreement(labels * 0, reference) == (0, 0)


def test_flat_regions():
    np.testing.assert_array_equal(
        flat_regions(np.array([[0, 0, 9], [9, 0, 7]], np.uint8)), [[0, 0, 1], [2, 0, 3]]
    )


@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_every_segmentation_finds_the_squares(name):
    rgb = photo_of_squares()
    pair = Pair(rgb, np.round(hs.saliency(rgb) * 255).astype(np.uint8))
    (_, first, *_, precision, recall, nearness), layers = measure_segmentation(
        lambda pair: SEGMENTATIONS[name](pair.rgb), [pair]
    )
    labels = layers[0][0]
    assert first == labels.max() + 1 >= 4
    assert len({labels[50, 40], labels[30, 90], labels[80, 95], labels[5, 5]}) == 4
    assert min(precision, recall, nearness) > 0.9


def test_constants_change_the_map():
    rgb = photo_of_squares()
    pair = Pair(rgb, np.round(hs.saliency(rgb) * 255).astype(np.uint8))
    layers = measure_segmentation(lambda pair: hs_layers.base_regions(pair.rgb), [pair])[1]
    own = measure_constants(hs.CONSTANTS, layers, [pair])
    assert own > 0.999
    for changes in list(CONSTANTS.values())[1:]:
        constants = hs.Constants(**changes)
        assert measure_constants(constants, layers, [pair]) != own


def test_pairs_are_every_nth_with_a_map(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "maps/HS").mkdir(parents=True)
    for k in range(6):
        Image.new("RGB", (8, 6), (k, 0, 0)).save(tmp_path / f"photos/{k}.png")
        if k != 1:
            Image.new("L", (8, 6), 100 + k).save(tmp_path / f"maps/HS/{k}.png")
    pairs = read_pairs(str(tmp_path / "photos"), str(tmp_path / "maps"), 2)
    assert [int(pair.reference[0, 0]) for pair in pairs] == [100, 103, 105]
    assert [int(pair.rgb[0, 0, 0]) for pair in pairs] == [0, 3, 5]
    Image.new("L", (9, 6)).save(tmp_path / "maps/HS/3.png")
    with pytest.raises(InputError, match=r"3\.png: size differs"):
        read_pairs(str(tmp_path / "photos"), str(tmp_path / "maps"), 2)
    with pytest.raises(InputError, match="give --reference_maps a folder that holds HS"):
        read_pairs(str(tmp_path / "photos"), str(tmp_path / "photos"), 2)
