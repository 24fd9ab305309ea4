import numpy as np
import pytest

from data_prep.regions import superpixels

QUARTERS = np.array([[0, 1], [2, 3]])


def test_region_means_centres_and_sizes():
    labels = np.array([[0, 0, 1], [0, 1, 1]])
    channels = np.arange(12).reshape(2, 3, 2)
    np.testing.assert_allclose(
        superpixels.region_means(labels, channels), [[8 / 3, 11 / 3], [22 / 3, 25 / 3]]
    )
    np.testing.assert_allclose(superpixels.region_centres(labels), [[1 / 3, 1 / 3], [2 / 3, 5 / 3]])
    np.testing.assert_array_equal(superpixels.region_sizes(labels), [3, 3])


def test_adjacency_by_sides_and_by_corners():
    sides = superpixels.adjacency(QUARTERS)
    np.testing.assert_array_equal(sides, [[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    corners = superpixels.adjacency(QUARTERS, connectivity=8)
    np.testing.assert_array_equal(corners, ~np.eye(4, dtype=bool))
    with pytest.raises(ValueError, match="connectivity=6"):
        superpixels.adjacency(QUARTERS, connectivity=6)


def test_contacts_tell_the_order():
    np.testing.assert_array_equal(superpixels.contacts(np.array([[0, 1]])), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(
        superpixels.contacts(np.array([[0, 1], [1, 0]])), [[0, 1], [1, 0]]
    )


def test_boundary_regions_by_band():
    labels = np.zeros((9, 9), int)
    labels[1:8, 1:8] = 1
    labels[3:6, 3:6] = 2
    np.testing.assert_array_equal(superpixels.boundary_regions(labels), [True, False, False])
    np.testing.assert_array_equal(superpixels.boundary_regions(labels, band=3), [True, True, False])
    np.testing.assert_array_equal(superpixels.boundary_regions(labels, band=8), [True, True, True])


def test_two_step_of_a_path():
    path = np.eye(4, k=1, dtype=bool) | np.eye(4, k=-1, dtype=bool)
    expected = ~np.eye(4, dtype=bool)
    expected[0, 3] = expected[3, 0] = False
    np.testing.assert_array_equal(superpixels.two_step(path), expected)


def test_pairwise_distance():
    distance = superpixels.pairwise_distance(np.array([[0.0, 0], [3, 4], [0, 1]]))
    np.testing.assert_allclose(distance, [[0, 5, 1], [5, 0, 18**0.5], [1, 18**0.5, 0]])


def test_min_max():
    np.testing.assert_allclose(superpixels.min_max(np.array([2.0, 4, 3])), [0, 1, 0.5])
    np.testing.assert_array_equal(superpixels.min_max(np.full(3, 7.0)), 0)
    np.testing.assert_array_equal(superpixels.min_max(np.array([0.1 + 0.2, 0.3])), 0)
