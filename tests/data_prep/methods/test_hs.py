from pathlib import Path

import numpy as np
import pytest

from data_prep.methods import hs
from data_prep.pictures.images import read_rgb
from data_prep.pictures.masks import read_grey

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


def test_border_share_counts_corners_twice():
    labels = np.zeros((3, 4), np.int32)
    labels[:, 3] = 1  # of the 14 pixels of rows and columns: 3, and its corners again
    labels[1, 1] = 2
    np.testing.assert_allclose(hs.border_share(labels), [9 / 14, 5 / 14, 0])


def test_region_cue_by_hand():
    # Three columns at x = 1/6, 1/2, 5/6 of colours 0, 20, 50. Only the left one counts: contrasts
    # 0, 20 exp(-1/9 / 0.5), 50 exp(-4/9 / 0.5); the outer two have the lowest location, 0.
    labels = np.repeat(np.arange(3, dtype=np.int32), 2)[None].repeat(4, axis=0)
    lab = np.array([0.0, 20, 50])[labels][..., None] * [1, 0, 0]
    near, far = 20 * np.exp(-2 / 9), 50 * np.exp(-8 / 9)
    assert far > near
    cue = hs.region_cue(labels, lab, np.array([1.0, 0, 0]), 0.5, 2.0)
    np.testing.assert_allclose(cue, [0, near / far, 0], atol=1e-12)
    # Within a far greater reach contrasts are 0, 20, 50.
    cue = hs.region_cue(labels, lab, np.array([1.0, 0, 0]), 1e9, 2.0)
    np.testing.assert_allclose(cue, [0, 0.4, 0], atol=1e-6)
    # One colour only: nothing stands out.
    np.testing.assert_array_equal(hs.region_cue(labels, lab * 0, np.ones(3), 0.5, 2.0), [0, 0, 0])


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
    assert np.mean(correlations) > 0.75
