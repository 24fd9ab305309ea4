import numpy as np
import pytest

from data_prep.regions.lab import bt709_lab, linear_rgb, rgb_to_lab, xyz_to_lab


def test_lab_of_known_srgb_colours():
    rgb = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    assert rgb_to_lab(rgb).dtype == np.float32
    np.testing.assert_allclose(rgb_to_lab(rgb), expected, atol=0.05)


def test_lab_keeps_the_shape_and_takes_any_memory_layout():
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    flipped = rgb[::-1]
    flipped.flags.writeable = False
    np.testing.assert_array_equal(rgb_to_lab(flipped), rgb_to_lab(rgb)[::-1])


def test_a_lower_gamma_makes_mid_grey_lighter():
    grey = np.full((1, 3), 128, np.uint8)
    assert rgb_to_lab(grey, gamma=2.2)[0, 0] > rgb_to_lab(grey)[0, 0] + 1


def test_linear_rgb_on_both_branches():
    np.testing.assert_allclose(linear_rgb([0, 0.04, 0.5, 1]), [0, 0.04 / 12.92, 0.214041, 1], 1e-5)


def test_bt709_lab_of_greys():
    # 0.5 -> ((0.5 + 0.099) / 1.099)^(1 / 0.45) = 0.25958 -> L = 116 * 0.25958^(1/3) - 16
    lab = bt709_lab(np.array([[0.5] * 3, [0.0] * 3, [1.0] * 3, [0.04] * 3]))
    np.testing.assert_allclose(lab[:, 0], [58.0, 0, 100, 903.3 * 0.04 / 4.5138], atol=0.05)
    np.testing.assert_allclose(lab[:, 1:], 0, atol=0.01)


def test_xyz_to_lab_by_hand():
    np.testing.assert_allclose(
        xyz_to_lab(np.array([[1, 0.125, 0.001]])), [[42, 250, 70.8564]], 1e-4
    )


@pytest.mark.parametrize("value", [0, 128, 255])
def test_greys_have_no_colour(value):
    np.testing.assert_allclose(rgb_to_lab(np.full((1, 3), value, np.uint8))[:, 1:], 0, atol=0.01)
