from pathlib import Path

import numpy as np
import pytest

from data_prep.methods import mc
from data_prep.pictures.images import read_rgb

DATA = Path(__file__).parents[4] / "shared" / "data" / "ECSSD-dev"


def star(rays):
    """Border nodes 0..rays-1, each tied with weight 1 to the last node, which lies inside."""
    weights = np.eye(rays + 1)
    weights[:, -1] = weights[-1, :] = 1
    near = np.zeros((rays + 1, rays + 1), bool)
    near[:-1, -1] = near[-1, :-1] = True
    return weights, near, np.arange(rays + 1) < rays


def with_outlier(weights, near, border, beside):
    """Adds a node that hardly belongs to the graph and touches the node `beside`."""
    count = len(weights)
    weights, near = np.pad(weights, (0, 1)), np.pad(near, (0, 1))
    weights[-1, -1] = 1
    weights[-1, beside] = weights[beside, -1] = 1e-5
    near[-1, beside] = near[beside, -1] = True
    return weights, near, np.append(border, False), count


def test_opposite_sides():
    facing = mc.opposite_sides(np.array([[0, 1], [2, 3]]))
    np.testing.assert_array_equal(facing, [[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    assert not mc.opposite_sides(np.array([[0, 0]])).any()


def test_affinity_by_hand():
    linked = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    colours = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0]])
    # Two steps join all three; distances 1, 2, 3 become 0, 1/2, 1.
    a, b, c = (np.exp(-10 * d) + 1e-5 for d in (0, 0.5, 1))
    np.testing.assert_allclose(
        mc.affinity(colours, linked), [[1, a, c], [a, 1, b], [c, b, 1]], rtol=1e-12
    )


def test_affinity_of_like_colours_and_of_a_single_node():
    linked = np.array([[0, 1], [1, 0]], bool)
    np.testing.assert_allclose(mc.affinity(np.ones((2, 3)), linked), [[1, 1.00001], [1.00001, 1]])
    np.testing.assert_array_equal(mc.affinity(np.ones((1, 3)), np.zeros((1, 1), bool)), [[1]])


def test_absorbed_time_by_hand():
    # Fourteen rays: (2 + 1) b - b - c = 3 and (15 + 14) c - c - 14 b = 29; b = 2.69, c = 2.38.
    values = mc.chain_saliency(*star(14))
    np.testing.assert_allclose(values, [1.0] * 14 + [0.0])


def test_absorbed_time_before_scaling():
    weights = np.array([[1, 0.5], [0.5, 1]])
    degree, leak = np.array([2.0, 1.5]), np.array([1.0, 0.25])
    # 2 a - 0.5 b = 3; 0.75 b - 0.5 a = 1.75: a = 2.5, b = 4; scaled to 0 and 1.
    np.testing.assert_allclose(mc._absorbed_time(weights, degree, leak), [0, 1], atol=1e-12)


def test_ambiguous_times_are_balanced_by_the_equilibrium():
    # A chain whose plain times lie in the middle of the range: every node is weighed by 1 / degree.
    weights = np.diag([1.0] * 8) + 0.9 * (np.eye(8, k=1) + np.eye(8, k=-1))
    degree = weights.sum(axis=1) + np.linspace(0, 2, 8)
    leak = np.full(8, 0.2)
    total = degree + leak
    system = np.diag(total) - weights
    plain = np.linalg.solve(system, total)
    assert mc.spread_score((plain - plain.min()) / np.ptp(plain)) >= 2
    expected = np.linalg.solve(system, total / degree)
    expected = (expected - expected.min()) / np.ptp(expected)
    np.testing.assert_allclose(mc._absorbed_time(weights, degree, leak), expected)


def test_a_border_with_little_contact_is_a_frame():
    values = mc.chain_saliency(*star(13))
    np.testing.assert_array_equal(values, 0)


@pytest.mark.parametrize(("beside", "expected"), [(0, 1.0), (14, 0.0)])
def test_outliers_follow_their_neighbours(beside, expected):
    weights, near, border, outlier = with_outlier(*star(14), beside=beside)
    assert mc.chain_saliency(weights, near, border)[outlier] == expected


def test_spread_score():
    assert mc.spread_score(np.array([0.0, 1.0])) == 1
    assert mc.spread_score(np.array([0.45, 0.55])) == 5
    assert mc.spread_score(np.array([0.05, 0.25])) == 2


def test_a_framed_photo_is_dark_on_its_frame():
    rgb = np.random.default_rng(0).integers(60, 120, (150, 200, 3), dtype=np.uint8)
    rgb[60:90, 80:120] = (250, 40, 40)
    rgb[:8], rgb[-8:], rgb[:, :8], rgb[:, -8:] = 255, 255, 255, 255
    saliency = mc.saliency(rgb)
    assert not saliency[[0, -1]].any()
    assert not saliency[:, [0, -1]].any()
    assert saliency[65:85, 85:115].mean() > 0.8


def test_a_plain_image_gets_the_distance_from_the_border():
    saliency = mc.saliency(np.full((90, 120, 3), 77, np.uint8))
    assert saliency[45, 60] > 0.9
    assert saliency[0].max() < 0.3


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/ECSSD-dev")
def test_maps_equal_those_of_the_authors_program():
    references = sorted((DATA / "reference_maps" / "MC").glob("*.png"))[::21]
    found = []
    for path in references:
        reference = read_rgb(path)[..., 0].ravel()
        saliency = mc.saliency(read_rgb(DATA / "images" / f"{path.stem}.jpg")).ravel()
        found.append(np.corrcoef(saliency, reference)[0, 1])
    assert len(found) == 12
    assert np.mean(found) > 0.999
