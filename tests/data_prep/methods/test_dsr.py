from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from data_prep.methods import dsr
from data_prep.pictures.images import read_rgb
from data_prep.pictures.masks import read_grey

DATA = Path(__file__).parents[4] / "shared" / "data" / "ECSSD-dev"


def test_pixel_features():
    rgb = np.zeros((2, 4, 3), np.uint8)
    rgb[0, 0] = (255, 0, 51)
    features = dsr.pixel_features(rgb)
    assert features.shape == (2, 4, 8)
    np.testing.assert_allclose(features[0, 0, :3], [1, 0, 0.2])
    np.testing.assert_allclose(features[1, 2, 6:], [3 / 4, 2 / 2])
    # Only one pixel is not black: each Lab channel is scaled to 0 and 1.
    np.testing.assert_allclose(features[0, 0, 3:5], [1, 1])
    np.testing.assert_allclose(features[1, :, 3:5], 0, atol=1e-6)
    # Lightness of grey is not linearised first: L = 116 cbrt(0.5) - 16 of 100.
    ramp = np.array([[[0, 0, 0], [128, 128, 128], [255, 255, 255]]], np.uint8)
    lightness = (116 * np.cbrt(128 / 255) - 16) / 100
    np.testing.assert_allclose(dsr.pixel_features(ramp)[0, 1, 3], lightness, atol=1e-4)


def test_dense_errors_by_hand():
    # The first axis holds 99 % of the border's variance; the second is the one
    # more that is kept. What is left are deviations along the third from the mean of all, 1.
    features = np.array([[0, 0.1, 0], [2, -0.1, 0], [1, 0, 0], [1, 4, 4]])
    border = np.array([True, True, True, False])
    np.testing.assert_allclose(dsr.dense_errors(features, border), [1, 1, 1, 3], atol=1e-12)
    # A border that varies along one axis only spans no second one.
    features[:2, 1] = 0
    errors = dsr.dense_errors(features, border)
    np.testing.assert_allclose(errors, np.sqrt([2, 2, 2, 18]), atol=1e-12)


def test_dense_errors_of_equal_border_are_distances_from_the_mean():
    features = np.array([[1.0, 1], [1, 1], [4, 5]])
    errors = dsr.dense_errors(features, np.array([True, True, False]))
    np.testing.assert_allclose(errors, [5 / 3, 5 / 3, 10 / 3])


def test_sparse_errors_by_hand():
    # One atom (1, 0). For x = (cos t, sin t): a = cos t - 0.01, residual (0.01, sin t).
    features = np.array([[3.0, 0], [0, 2], [1, 1]])
    errors = dsr.sparse_errors(features, np.array([True, False, False]))
    np.testing.assert_allclose(errors, [1e-4, 1, 0.5 + 1e-4], rtol=1e-6)


def test_sparse_errors_are_those_of_the_lasso():
    features = np.random.default_rng(0).random((60, 8))
    border = np.arange(60) < 25
    errors = dsr.sparse_errors(features, border)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    lasso = Lasso(alpha=0.01 / 8, fit_intercept=False, tol=1e-12, max_iter=1_000_000)
    for sample, error in zip(unit, errors, strict=True):
        residual = sample - unit[border].T @ lasso.fit(unit[border].T, sample).coef_
        np.testing.assert_allclose(error, residual @ residual, rtol=1e-4)


def test_sparse_errors_of_equal_atoms():
    features = np.ones((5, 8))
    np.testing.assert_allclose(dsr.sparse_errors(features, np.arange(5) < 4), 1e-4, rtol=1e-6)


def test_kmeans():
    features = np.array([[0.0], [0.1], [5], [5.2], [9], [0.05], [9.1]])
    clusters = dsr.kmeans(features, 3)
    assert len(np.unique(clusters)) == 3
    for group in ([0, 1, 5], [2, 3], [4, 6]):
        assert len(set(clusters[group])) == 1
    assert len(np.unique(dsr.kmeans(features[:2], 8))) == 2


def test_propagate_by_hand():
    # Clusters {0, 1, 2} and {3}; A_01 = A_12 = exp(-1/2) and A_02 = exp(-2) with variance 1.
    features = np.array([[0.0], [1], [2], [50]])
    errors = np.array([1.0, 0.5, 0, 0.7])
    near, far = np.exp(-0.5), np.exp(-2)
    first = 0.5 * 1 + 0.5 * (near * 0.5 + far * 0) / (near + far)
    second = 0.5 * 0.5 + 0.5 * (first + 0) / 2
    third = 0.5 * 0 + 0.5 * (far * first + near * second) / (near + far)
    spread = dsr.propagate(errors, features, np.array([0, 0, 0, 1]), 1.0)
    np.testing.assert_allclose(spread, [first, second, third, 0.7])
    np.testing.assert_array_equal(errors, [1.0, 0.5, 0, 0.7])


def test_object_biased_by_hand():
    errors = np.zeros((5, 8))
    errors[2, 1] = errors[2, 5] = 4.0
    biased = dsr.object_biased(errors)
    np.testing.assert_allclose(biased[2, [1, 5]], 1)  # the centre lies between them
    errors[2, 5] = 12.0  # moves the centre to x = 4; sigma is 2
    biased = dsr.object_biased(errors)
    expected = (1 / 3) * np.exp(-(3**2) / 8) / np.exp(-(1**2) / 8)
    np.testing.assert_allclose(biased[2, [1, 5]], [expected, 1])
    assert (dsr.object_biased(np.full((3, 3), 7.0)) == 0).all()


def test_posterior_by_hand():
    # Above the prior's mean 0.4: the last two, observing 0.9 (bin 0 of 60) and 1.0 (bin 59).
    # Below: 0.2 (bin 0), 0.2 (bin 0), 0.8 (bin 59). Bin 0: p1 = 1/2, p0 = 2/3; bin 59: 1/2, 1/3.
    prior = np.array([[0.0, 0.2, 0.1, 0.7, 1.0]])
    observation = np.array([[0.2, 0.2, 0.8, 0.9, 1.0]])
    p1, p0 = np.array([1, 1, 1, 1, 1]) / 2, np.array([2, 2, 1, 2, 1]) / 3
    expected = prior * p1 / (prior * p1 + (1 - prior) * p0)
    np.testing.assert_allclose(dsr.posterior(prior, observation), expected)
    assert (dsr.posterior(np.zeros((2, 2)), observation[:, :4].reshape(2, 2)) == 0).all()


def test_posterior_where_no_region_knows_the_value():
    prior = np.array([[0.0, 1.0]])
    np.testing.assert_array_equal(dsr.posterior(prior, 1 - prior), [[0, 1]])


@pytest.mark.slow
def test_fidelity_to_the_authors_program():
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data/ECSSD-dev")
    ids = sorted(path.stem for path in (DATA / "reference_maps/DSR").iterdir())[::5]
    assert len(ids) == 11
    correlations = []
    for photo_id in ids:
        saliency = dsr.saliency(read_rgb(DATA / f"images/{photo_id}.jpg"))
        reference = read_grey(DATA / f"reference_maps/DSR/{photo_id}.png")
        correlations.append(np.corrcoef(saliency.ravel(), reference.ravel())[0, 1])
    assert np.mean(correlations) > 0.97
