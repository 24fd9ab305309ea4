from pathlib import Path

import numpy as np
import pytest

from data_prep.methods import rbd
from data_prep.pictures.images import read_rgb

DATA = Path(__file__).parents[4] / "shared" / "data" / "ECSSD-dev"

# Three superpixels in a row; colours 0, 3 and 10 on one axis.
NEAR = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
COLOUR = np.array([[0, 3, 10], [3, 0, 7], [10, 7, 0]], float)
BORDER = np.array([True, False, False])


def test_ordered_contacts_count_both_orders():
    np.testing.assert_array_equal(rbd.ordered_contacts(np.array([[0, 1]])), [[0, 1], [1, 0]])
    both = rbd.ordered_contacts(np.array([[0, 1], [1, 0]]))
    np.testing.assert_array_equal(both, [[0, 2], [2, 0]])


def test_adaptive_parameters_by_hand():
    clip, geodesic_sigma, smoothness_sigma = rbd.adaptive_parameters(NEAR, COLOUR)
    assert clip == pytest.approx(13 / 3)  # nearest within two steps: 3, 3, 7
    assert geodesic_sigma == 5  # 7 / 10 is below the floor
    assert smoothness_sigma == pytest.approx(1.4)  # a fifth of the largest edge, 7


def test_boundary_connectivity_by_hand():
    # Clipped edges 0 and 4, so the path lengths from node 0 are 0, 0, 4.
    w = np.exp(-16 / 50)
    expected = [1 / np.sqrt(2 + w), 1 / np.sqrt(2 + w), w / np.sqrt(1 + 2 * w)]
    np.testing.assert_allclose(rbd.boundary_connectivity(NEAR, COLOUR, BORDER, 3.0, 5.0), expected)


def test_boundary_connectivity_is_cut_beyond_three_sigma():
    connectivity = rbd.boundary_connectivity(NEAR, COLOUR, BORDER, 3.0, 1.0)
    np.testing.assert_allclose(connectivity, [1 / np.sqrt(2), 1 / np.sqrt(2), 0])


def test_border_superpixels_are_linked():
    colour = np.array([[0, 9, 1], [9, 0, 9], [1, 9, 0]], float)
    border = np.array([True, False, True])
    w1, w9 = np.exp(-1 / 50), np.exp(-81 / 50)
    expected = [
        (1 + w1) / np.sqrt(1 + w1 + w9),
        2 * w9 / np.sqrt(1 + 2 * w9),
        (1 + w1) / np.sqrt(1 + w1 + w9),
    ]
    np.testing.assert_allclose(rbd.boundary_connectivity(NEAR, colour, border, 0.0, 5.0), expected)


def test_weighted_contrast_counts_background_nearby_only():
    colour = np.array([[0, 10, 8], [10, 0, 4], [8, 4, 0]], float)
    position = np.array([[0, 0, 1.3], [0, 0, 0.4], [1.3, 0.4, 0]])
    # Raw: 0, 10, 8 * 0 (beyond 3 sigma = 1.2); Otsu keeps the only high one.
    contrast = rbd.weighted_contrast(colour, position, np.array([1.0, 0, 0]))
    np.testing.assert_allclose(contrast, [0, 1, 0])


def test_weighted_contrast_is_zeroed_below_otsu():
    colour = np.array([[0, 10, 9, 1], [10, 0, 1, 9], [9, 1, 0, 8], [1, 9, 8, 0]], float)
    contrast = rbd.weighted_contrast(colour, np.zeros((4, 4)), np.array([1.0, 0, 0, 0]))
    np.testing.assert_allclose(contrast, [0, 1, 0.9, 0])


def test_otsu_threshold():
    assert rbd.otsu_threshold(np.array([0.0, 0, 1, 1])) == pytest.approx(127 / 255)
    assert rbd.otsu_threshold(np.array([0.2, 0.2, 0.6])) == pytest.approx((51 + 152) / 2 / 255)
    assert rbd.otsu_threshold(np.full(5, 0.3)) == 0


def test_optimise_by_hand():
    # Colours too far for smoothness: only the 0.1 link remains.
    # 5.1 a - 0.1 b = 0 and 1.1 b - 0.1 a = 1.
    contacts = np.array([[0.0, 1], [1, 0]])
    colour = np.array([[0.0, 100], [100, 0]])
    b = 1 / (1.1 - 0.01 / 5.1)
    found = rbd.optimise(
        contacts, np.zeros(2, bool), colour, 10.0, np.array([1.0, 0]), np.array([0, 1.0])
    )
    np.testing.assert_allclose(found, [0.1 * b / 5.1, b])


def test_optimise_smooths_like_colours():
    contacts, border = np.array([[0.0, 1], [1, 0]]), np.zeros(2, bool)
    colour, foreground = np.array([[0, 10.0], [10, 0]]), np.array([0, 1.0])
    free = rbd.optimise(contacts, border, colour, 10.0, np.zeros(2), foreground)
    np.testing.assert_allclose(free, [1, 1])  # nothing pulls down: both follow the foreground
    held = rbd.optimise(contacts, border, colour, 10.0, np.array([1.0, 0]), foreground)
    weight = 0.1 + np.exp(-0.5)
    system = [[weight + 5, -weight], [-weight, weight + 1]]
    np.testing.assert_allclose(held, np.linalg.solve(system, [0, 1]))


def test_frame_is_found_and_left_empty():
    rgb = np.full((120, 160, 3), 95, np.uint8)
    rgb[50:80, 60:100] = (250, 40, 40)
    rgb[:12], rgb[-7:], rgb[:, :5], rgb[:, -9:] = 255, 255, 255, 255
    top, bottom, left, right = rbd.find_frame(rgb)
    np.testing.assert_allclose([top, 120 - bottom, left, 160 - right], [12, 7, 5, 9], atol=1)
    saliency = rbd.saliency(rgb)
    outside = np.ones(saliency.shape, bool)
    outside[top:bottom, left:right] = False
    assert not saliency[outside].any()
    assert saliency[55:75, 65:95].mean() > 0.9


def test_sides_without_a_line_get_the_widest_frame():
    rgb = np.full((120, 160, 3), 95, np.uint8)
    rgb[:12] = 255
    top, bottom, left, right = rbd.find_frame(rgb)
    assert top in (12, 13)
    assert (120 - bottom, left, 160 - right) == (top, top, top)


def test_no_frame_in_noise_nor_deep_inside():
    rgb = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    assert rbd.find_frame(rgb) == (0, 120, 0, 160)
    rgb = np.full((120, 160, 3), 90, np.uint8)
    rgb[40:80, 50:110] = 200
    assert rbd.find_frame(rgb) == (0, 120, 0, 160)


def test_a_plain_image_is_nowhere_salient():
    assert not rbd.saliency(np.full((90, 120, 3), 77, np.uint8)).any()


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/ECSSD-dev")
def test_maps_equal_those_of_the_authors_program():
    references = sorted((DATA / "reference_maps" / "RBD").glob("*.png"))[::42]
    found = []
    for path in references:
        reference = read_rgb(path)[..., 0].ravel()
        saliency = rbd.saliency(read_rgb(DATA / "images" / f"{path.stem}.jpg")).ravel()
        found.append(np.corrcoef(saliency, reference)[0, 1])
    assert len(found) == 12
    assert np.mean(found) > 0.995
