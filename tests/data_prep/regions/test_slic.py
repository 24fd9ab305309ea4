import numpy as np
import pytest
from scipy import ndimage

from data_prep.regions import superpixels
from data_prep.regions.lab import rgb_to_lab
from data_prep.regions.slic import _cell_seeds, _connected_segments, _strip_seeds, slic


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def is_numbered(labels):
    return np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


@pytest.mark.parametrize("seeding", ["strips", "cells"])
def test_a_plain_image_falls_into_a_grid(seeding):
    labels = slic(np.zeros((30, 40, 3)), 12, compactness=10, seeding=seeding)
    assert labels.dtype == np.int32
    assert labels.max() + 1 == 12
    np.testing.assert_allclose(superpixels.region_sizes(labels), 100, atol=45)
    np.testing.assert_allclose(
        superpixels.region_centres(labels).reshape(3, 4, 2)[1, :, 1],
        [4.5, 14.5, 24.5, 34.5],
        atol=1.5,
    )


@pytest.mark.parametrize("seeding", ["strips", "cells"])
def test_segments_respect_a_strong_edge(seeding):
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[:, 37:] = 255
    labels = slic(rgb_to_lab(rgb), 20, compactness=20, seeding=seeding)
    means = superpixels.region_means(labels, rgb)
    assert set(np.unique(means)) == {0, 255}


def test_segments_are_connected_and_numbered_in_raster_order():
    labels = slic(rgb_to_lab(noise(50, 60)), 30, compactness=20)
    _, first = np.unique(labels, return_index=True)
    assert np.all(np.diff(first) > 0)
    assert all(ndimage.label(labels == k)[1] == 1 for k in range(labels.max() + 1))
    assert superpixels.region_sizes(labels).min() > 25  # a quarter of the step's square


def test_slic_is_deterministic_and_takes_any_memory_layout():
    lab = rgb_to_lab(noise(40, 50))
    labels = slic(lab, 20, compactness=20)
    strided = np.repeat(lab, 2, axis=1)[:, ::2]
    strided.flags.writeable = False
    np.testing.assert_array_equal(slic(strided, 20, compactness=20), labels)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 5), (1, 50), (50, 1), (7, 7), (2, 300)])
@pytest.mark.parametrize("seeding", ["strips", "cells"])
@pytest.mark.parametrize("n_segments", [1, 250])
def test_slic_of_tiny_images(size, seeding, n_segments):
    lab = rgb_to_lab(noise(*size))
    labels = slic(lab, n_segments, compactness=20, seeding=seeding)
    assert labels.shape == size
    assert is_numbered(labels)


def test_slic_refuses_nonsense():
    lab = np.zeros((4, 4, 3))
    with pytest.raises(ValueError, match="n_segments=0"):
        slic(lab, 0, compactness=10)
    with pytest.raises(ValueError, match="compactness=0"):
        slic(lab, 1, compactness=0)
    with pytest.raises(ValueError, match="hexagons"):
        slic(lab, 1, compactness=10, seeding="hexagons")


def test_strip_seeds_spread_the_remainder():
    # 400 / 21: 19 strips, one pixel over, which falls after the last seed's share.
    seeds = _strip_seeds(400, 21)
    assert len(seeds) == 19
    np.testing.assert_array_equal(seeds, 10 + 21 * np.arange(19))
    # 23 / 5: 4.6 strips round to 5, which overrun; 4 strips, 3 pixels over: 0, 0.75, 1.5, 2.25.
    np.testing.assert_array_equal(_strip_seeds(23, 5), [2, 7, 13, 19])


def test_cell_seeds_lie_in_the_middle_of_equal_cells():
    np.testing.assert_allclose(_cell_seeds(30, 9), [5.5, 15.5, 25.5])


def test_small_pieces_join_the_segment_seen_before_them():
    clusters = np.array([[0, 0, 0, 1], [0, 2, 0, 1], [0, 0, 0, 1]], np.int32)
    merged = _connected_segments(clusters, 1)
    np.testing.assert_array_equal(merged, [[0, 0, 0, 1]] * 3)
    apart = _connected_segments(clusters, 0)
    np.testing.assert_array_equal(apart, [[0, 0, 0, 1], [0, 2, 0, 1], [0, 0, 0, 1]])


def test_a_cluster_in_two_pieces_becomes_two_segments():
    clusters = np.array([[5, 7, 5]], np.int32)
    np.testing.assert_array_equal(_connected_segments(clusters, 0), [[0, 1, 2]])
