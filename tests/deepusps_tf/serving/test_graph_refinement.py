import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from deepusps_tf.labels.crf import CrfSettings, refine
from deepusps_tf.serving.graph_refinement import neighbours, refine_in_graph

SIDE = 24
CRF = CrfSettings(iterations=2, bilateral_sxy=60.0)  # a reach of 3.3 pixels


def two_halves(noise: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """A photo, dark left of column 12, and a map whose edge lies at column 10."""
    random = np.random.default_rng(0)
    photo = np.full((SIDE, SIDE, 3), 60, np.float32)
    photo[:, 12:] = 180
    photo += random.normal(0, noise, photo.shape).astype(np.float32)
    columns = np.arange(SIDE, dtype=np.float32)
    probability = np.tile(1 / (1 + np.exp((10 - columns) / 2)), (SIDE, 1)).astype(np.float32)
    return photo.clip(0, 255), probability


def refined(photo, probability, crf) -> np.ndarray:
    maps, photos = tf.constant(probability[None, ..., None]), tf.constant(photo[None])
    return refine_in_graph(maps, photos, crf, len(photo)).numpy()[0, ..., 0]


def by_the_book(photo: np.ndarray, probability: np.ndarray, crf: CrfSettings) -> np.ndarray:
    """The same, pixel by pixel, with the kernels as matrices of all pixels."""
    side = len(photo)
    scale = side / 432
    places = np.stack(np.mgrid[:side, :side], -1).reshape(-1, 2)
    apart = places[:, None] - places
    weights = {(near.rows, near.columns): near.weight for near in neighbours(60 * scale, side)}
    joined = np.vectorize(lambda y, x: weights.get((y, x), 0.0))(-apart[..., 0], -apart[..., 1])
    colours = photo.reshape(-1, 3).astype(float)
    unlike = ((colours[:, None] - colours) ** 2).sum(-1)
    bilateral = joined * np.exp(-unlike / (2 * crf.bilateral_srgb**2))
    gaussian = np.exp(-(apart**2).sum(-1) / (2 * (crf.gaussian_sxy * scale) ** 2))
    logits = np.log(probability / (1 - probability)).ravel()
    foreground = probability.ravel().astype(float)
    for _ in range(crf.iterations):
        logit = logits.copy()
        for weight, kernel in (
            (crf.bilateral_compat, bilateral),
            (crf.gaussian_compat, gaussian),
        ):
            norm = 1 / np.sqrt(kernel.sum(1))
            logit += weight * norm * (kernel @ (norm * (2 * foreground - 1)))
        foreground = 1 / (1 + np.exp(-logit))
    return foreground.reshape(side, side)


def test_neighbours_are_all_of_5x5_then_sparser_rings():
    found = {(near.rows, near.columns): near.weight for near in neighbours(3.0, 100)}
    assert len(found) == 25 + 16 + 16  # at most 2, 4 and 8 away: 1.6 reaches are 4.8
    assert found[0, 0] == 1 and found[1, 2] == pytest.approx(np.exp(-5 / 18))
    assert found[4, -2] == pytest.approx(4 * np.exp(-20 / 18))
    assert found[-8, 4] == pytest.approx(16 * np.exp(-80 / 18))
    assert (3, 0) not in found and (8, 2) not in found
    assert len(neighbours(1e6, 9)) == 25 + 16  # as far as a picture of 9 pixels goes


def test_it_is_the_mean_field_of_the_book():
    photo, probability = two_halves(noise=8)
    expected = by_the_book(photo, probability, CRF)
    assert np.abs(expected - probability).max() > 0.3
    np.testing.assert_allclose(refined(photo, probability, CRF), expected, atol=1e-5)


def test_an_edge_of_the_photo_pulls_the_maps_edge():
    photo, probability = two_halves()
    before, after = probability[:, 10:14] > 0.5, refined(photo, probability, CRF)[:, 10:14] > 0.5
    assert before[:, 1:].all() and not after[:, :2].any() and after[:, 2:].all()


def test_it_comes_near_the_dense_crf():
    photo, probability = two_halves(noise=8)
    photo = photo.astype(np.uint8)
    crf = dataclasses.replace(CRF, iterations=5)
    dense, local = (
        refine(photo, probability, crf),
        refined(photo.astype(np.float32), probability, crf),
    )
    assert np.abs(dense - probability).mean() > 0.05
    assert np.abs(dense - local).mean() < 0.01


def test_without_iterations_or_weights_a_map_stays():
    photo, probability = two_halves(noise=8)
    for changes in ({"iterations": 0}, {"bilateral_compat": 0, "gaussian_compat": 0}):
        same = refined(photo, probability, dataclasses.replace(CRF, **changes))
        np.testing.assert_allclose(same, probability, atol=1e-5)
    sure = np.where(probability > 0.5, 1, 0).astype(np.float32)
    assert np.isfinite(refined(photo, sure, CRF)).all()
