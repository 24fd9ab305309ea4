import numpy as np
import pytest

from deepusps_tf.fusion.weighted import odds, others_mean, photo_segments, weighted_average
from tests.deepusps_tf.conftest import disc_photo


def test_mean_of_the_others_by_hand():
    labels = np.float32([[0.0, 0.3, 0.9]])
    assert np.asarray(others_mean(labels)) == pytest.approx(np.float32([[0.6, 0.45, 0.15]]))


def test_odds_are_clipped():
    assert odds(np.array([0.0, 0.8, 1.0])) == pytest.approx([1 / 99, 4, 99])


def test_weighted_average_by_hand():
    # Two superpixels of one pixel each; the third method is alone in the second. There
    # |label - others' mean| is .5, .5, 1, in the first 0, so over the photo .25, .25, .5.
    labels = np.float32([[[1, 1, 1], [0, 0, 1]]])
    segments = np.int32([[0, 1]])
    weights = np.array([3 * 1, 3 * 1, 1 * 1 / 99])
    expected = [1, weights[2] / weights.sum()]
    assert weighted_average(labels, segments)[0] == pytest.approx(expected, abs=1e-6)


def test_equal_labels_are_kept():
    label = np.random.default_rng(0).random((6, 7, 1), np.float32)
    fused = weighted_average(np.repeat(label, 4, axis=-1), np.zeros((6, 7), np.int32))
    assert fused == pytest.approx(label[..., 0], abs=1e-6)
    assert fused.dtype == np.float32


def test_two_labels_count_alike():
    labels = np.random.default_rng(1).random((8, 8, 2), np.float32)
    fused = weighted_average(labels, np.repeat(np.int32([[0, 1]]), 32, axis=0).reshape(8, 8))
    assert fused == pytest.approx(labels.mean(axis=-1), abs=1e-6)


def test_a_method_that_fails_in_one_place_counts_elsewhere():
    photo, mask = disc_photo(3)
    truth = (mask > 0).astype(np.float32)
    labels = np.stack([truth] * 3, axis=-1)
    labels[:20, :24, 0] = 1 - labels[:20, :24, 0]
    fused = weighted_average(labels, photo_segments(photo))
    assert np.abs(fused - truth).mean() < 0.2 * np.abs(labels.mean(axis=-1) - truth).mean()
