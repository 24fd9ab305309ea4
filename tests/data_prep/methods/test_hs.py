from pathlib import Path

import numpy as np
import pytest

from data_prep.images import read_grey, read_rgb
from data_prep.methods import hs

DATA = Path(__file__).parents[4] / "shared" / "data" / "ECSSD-dev"


def test_tree_minimum_of_two_children_by_hand():
    # E = (s1-0)^2 + (s2-1)^2 + 2 (p-1)^2 + (s1-p)^2 + (s2-p)^2. With s1 = p/2, s2 = (1+p)/2 the
    # derivative in p is 4 (p-1) + p + (p-1) = 0, so p = 5/6.
    values = hs.tree_minimum(
        [np.array([0.0, 1.0]), np.array([1.0])], [np.array([0, 0])], (1, 2), (1,)
    )
    np.testing.assert_allclose(values, [5 / 12, 11 / 12])


def test_tree_minimum_solves_the_linear_system():
    rng = np.random.default_rng(0)
    cues = [rng.random(7), rng.random(3), rng.random(2)]
    parents = [np.array([0, 1, 1, 2, 0, 2, 2]), np.array([1, 0, 1])]
    beta, ties = (0.5, 4.0, 2.0), (4.0, 3.0)
    matrix = np.diag(np.repeat(beta, [7, 3, 2]))
    for first, parent, tie in ((0, parents[0] + 7, ties[0]), (7, parents[1] + 10, ties[1])):
        for child, its_parent in enumerate(parent, start=first):
            matrix[[child, its_parent], [child, its_parent]] += tie
            matrix[child, its_parent] -= tie
            matrix[its_parent, child] -= tie
    expected = np.linalg.solve(matrix, np.repeat(beta, [7, 3, 2]) * np.concatenate(cues))
    np.testing.assert_allclose(hs.tree_minimum(cues, parents, beta, ties), expected[:7])


def test_region_scale_is_the_largest_square():
    labels = np.ones((9, 12), np.int32)
    labels[1:5, 2:8] = 0
    labels[2, 2] = 1  # leaves a 4x4 square in columns 3..7
    labels[7, 0:9] = 0
    whole = np.array([0, 9, 0, 12])
    assert hs.region_scale(labels, 0, whole) == 4
    assert hs.region_scale(labels, 0, np.array([6, 9, 0, 12])) == 1
    assert hs.region_scale(labels, 5, whole) == 0
    assert hs.region_scale(np.zeros((5, 3), np.int32), 0, np.array([0, 5, 0, 3])) == 3


def test_join_alike_by_hand():
    # Leeway 6 over sizes 2, 2, 3: 0 and 1 differ by 2 <= 6/2 and join, with 2 within. Region 2
    # differs by 3: within 2 + 6/4 = 3.5 of the group, but not within its own 0 + 6/3 = 2.
    pairs, distances = np.array([[0, 1], [1, 2]]), np.array([2.0, 3.0])
    groups = hs.join_alike(pairs, distances, np.array([2.0, 2.0, 3.0]), 6.0)
    assert groups[0] == groups[1] != groups[2]
    groups = hs.join_alike(pairs, distances, np.array([2.0, 2.0, 2.0]), 6.0)
    assert groups[0] == groups[1] == groups[2]


def test_merge_small_joins_the_likest_and_updates():
    # A 1-pixel and a 2x2 region between a dark and a bright one.
    labels = np.zeros((6, 10), np.int32)
    labels[:, 5:] = 1
    labels[0, 4:6] = 2
    labels[3:5, 5:7] = 3
    colours = np.array([[0.0, 0, 0], [100, 0, 0], [90, 0, 0], [30, 0, 0]])
    merged = hs.merge_small(labels, colours, 2)
    assert merged[0, 4] == merged[0, 9]
    np.testing.assert_array_equal(np.unique(merged), [0, 1, 2])
    merged = hs.merge_small(labels, colours, 3)
    np.testing.assert_array_equal(np.unique(merged), [0, 1])
    assert merged[3, 5] == merged[0, 0]
    np.testing.assert_array_equal(hs.merge_small(labels, colours, 7), np.zeros((6, 10)))


def test_merged_colours_are_weighted_by_size():
    # Region 1 (1 row of 4) joins 0 (1 row of 4); their mean 5 is nearer to 3's 9 than to 2's 0.
    labels = np.repeat(np.array([2, 0, 1, 3], np.int32), [4, 1, 1, 4])[:, None].repeat(4, axis=1)
    colours = np.array([[4.0, 0, 0], [6, 0, 0], [0, 0, 0], [9, 0, 0]])
    merged = hs.merge_small(labels, colours, 4)
    np.testing.assert_array_equal(merged[:, 0], [0] * 4 + [1] * 6)


def test_base_regions_split_at_edges_only():
    rgb = np.full((40, 60, 3), 20, np.uint8)
    rgb[10:30, 20:40] = (200, 30, 30)
    labels = hs.base_regions(rgb, rgb.astype(np.float32))
    assert labels[20, 30] != labels[2, 2]
    assert len(np.unique(labels[12:28, 22:38])) == 1


def test_layers_are_nested_and_large_enough():
    rgb = read_noise()
    labels = hs.base_regions(rgb, rgb.astype(np.float32))
    for scale in (3, 9):
        colours = np.zeros((labels.max() + 1, 3))
        coarser = hs.merge_small(labels, colours, scale)
        pairs = np.unique(np.stack([labels.ravel(), coarser.ravel()], axis=1), axis=0)
        assert len(pairs) == labels.max() + 1
        box = np.array([0, rgb.shape[0], 0, rgb.shape[1]])
        for region in range(coarser.max() + 1):
            assert hs.region_scale(coarser, region, box) >= scale
        labels = coarser


def read_noise():
    rgb = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.kron(rgb, np.ones((9, 9, 1), np.uint8))


def test_region_cue_by_hand():
    # Two regions side by side see each other only: equal contrast, and locations by symmetry.
    labels = np.zeros((4, 8), np.int32)
    labels[:, 4:] = 1
    lab = np.where(labels[..., None] == 0, 0.0, 50.0) * np.array([1.0, 0, 0])
    np.testing.assert_array_equal(hs.region_cue(labels, lab), [0, 0])
    # A region inside has full contrast and location; the border region has neither.
    labels = np.zeros((9, 9), np.int32)
    labels[3:6, 3:6] = 1
    lab = labels[..., None] * np.array([50.0, 0, 0])
    np.testing.assert_array_equal(hs.region_cue(labels, lab), [0, 1])


@pytest.mark.slow
def test_fidelity_to_the_authors_binary():
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data/ECSSD-dev")
    ids = sorted(path.stem for path in (DATA / "reference_maps/HS").iterdir())[7::40]
    assert len(ids) == 13
    correlations = []
    for photo_id in ids:
        saliency = hs.saliency(read_rgb(DATA / f"images/{photo_id}.jpg"))
        reference = read_grey(DATA / f"reference_maps/HS/{photo_id}.png")
        correlations.append(np.corrcoef(saliency.ravel(), reference.ravel())[0, 1])
    assert np.mean(correlations) > 0.70
