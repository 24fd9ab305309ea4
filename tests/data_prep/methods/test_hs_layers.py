import numpy as np

from data_prep.methods import hs_layers


def test_region_scale_is_the_largest_square():
    labels = np.ones((9, 12), np.int32)
    labels[1:5, 2:8] = 0
    labels[2, 2] = 1  # leaves a 4x4 square in columns 3..7
    labels[7, 0:9] = 0
    whole = np.array([0, 9, 0, 12])
    assert hs_layers.region_scale(labels, 0, whole) == 4
    assert hs_layers.region_scale(labels, 0, np.array([6, 9, 0, 12])) == 1
    assert hs_layers.region_scale(labels, 5, whole) == 0
    assert hs_layers.region_scale(np.zeros((5, 3), np.int32), 0, np.array([0, 5, 0, 3])) == 3


def test_merge_small_joins_the_likest_and_updates():
    # A 1-pixel and a 2x2 region between a dark and a bright one.
    labels = np.zeros((6, 10), np.int32)
    labels[:, 5:] = 1
    labels[0, 4:6] = 2
    labels[3:5, 5:7] = 3
    colours = np.array([[0.0, 0, 0], [100, 0, 0], [90, 0, 0], [30, 0, 0]])
    merged = hs_layers.merge_small(labels, colours, 2)
    assert merged[0, 4] == merged[0, 9]
    np.testing.assert_array_equal(np.unique(merged), [0, 1, 2])
    merged = hs_layers.merge_small(labels, colours, 3)
    np.testing.assert_array_equal(np.unique(merged), [0, 1])
    assert merged[3, 5] == merged[0, 0]
    np.testing.assert_array_equal(hs_layers.merge_small(labels, colours, 7), np.zeros((6, 10)))


def test_merged_colours_are_weighted_by_size():
    # Region 1 (1 row of 4) joins 0 (1 row of 4); their mean 5 is nearer to 3's 9 than to 2's 0.
    labels = np.repeat(np.array([2, 0, 1, 3], np.int32), [4, 1, 1, 4])[:, None].repeat(4, axis=1)
    colours = np.array([[4.0, 0, 0], [6, 0, 0], [0, 0, 0], [9, 0, 0]])
    merged = hs_layers.merge_small(labels, colours, 4)
    np.testing.assert_array_equal(merged[:, 0], [0] * 4 + [1] * 6)


def test_base_regions_are_linked_by_small_steps():
    # Steps of 4 in each channel are linked, of 5 in one are not; corners do not link.
    rgb = np.zeros((1, 6, 3), np.uint8)
    rgb[0, :, 1] = (0, 4, 8, 3, 7, 7)
    rgb[0, 4] = (4, 7, 4)
    rgb[0, 5] = (9, 7, 4)
    np.testing.assert_array_equal(hs_layers.base_regions(rgb), [[0, 0, 0, 1, 1, 2]])
    rgb = np.zeros((2, 2, 3), np.uint8)
    rgb[[0, 1], [0, 1]] = 200
    assert len(np.unique(hs_layers.base_regions(rgb))) == 4
    np.testing.assert_array_equal(hs_layers.base_regions(rgb[:1, :1]), [[0]])


def test_layers_are_nested_and_large_enough():
    rgb = read_noise()
    labels = hs_layers.base_regions(rgb)
    for scale in (3, 9):
        colours = np.zeros((labels.max() + 1, 3))
        coarser = hs_layers.merge_small(labels, colours, scale)
        pairs = np.unique(np.stack([labels.ravel(), coarser.ravel()], axis=1), axis=0)
        assert len(pairs) == labels.max() + 1
        box = np.array([0, rgb.shape[0], 0, rgb.shape[1]])
        for region in range(coarser.max() + 1):
            assert hs_layers.region_scale(coarser, region, box) >= scale
        labels = coarser


def read_noise():
    rgb = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.kron(rgb, np.ones((9, 9, 1), np.uint8))
