import numpy as np
import pytest
import tensorflow as tf

from benchmarks.guided_filter import guided, window_means
from benchmarks.served_refinement import boundary_f


def square(top: int, left: int, side: int) -> np.ndarray:
    picture = np.zeros((60, 80), bool)  # of a diagonal of 100 pixels: outlines may be 1 apart
    picture[top : top + side, left : left + side] = True
    return picture


def test_boundary_f_by_hand():
    mask = square(20, 20, 10)
    assert boundary_f(mask, mask) == boundary_f(square(21, 20, 10), mask) == 1
    assert boundary_f(square(40, 50, 10), mask) == 0
    assert boundary_f(mask, ~mask & False) == 0 and boundary_f(mask & False, mask & False) == 1
    # Of the outlines of 20x20, 76 pixels, and 10x10, 36, the corner's 10 + 9 are the same, and one
    # more at each end lies beside the other.
    assert boundary_f(square(20, 20, 20), mask) == pytest.approx(2 * 21 / (76 + 36))


def test_window_means_are_of_what_lies_within():
    picture = tf.reshape(tf.range(9.0), (1, 3, 3, 1))
    means = window_means(picture, 1).numpy()[0, ..., 0]
    assert means[1, 1] == 4 and means[0, 0] == (0 + 1 + 3 + 4) / 4


def test_a_guided_filter_follows_the_photo():
    flat = np.full((1, 16, 16, 3), 99, np.float32)
    level = np.full((1, 16, 16, 1), 0.3, np.float32)
    constants = {"radius": 2, "epsilon": 1e-4}
    np.testing.assert_allclose(guided(level, flat, flat, **constants), level, atol=1e-5)
    photo, large = flat.copy(), np.full((1, 32, 32, 3), 99, np.float32)
    photo[:, :, 8:] = large[:, :, 16:] = 200
    soft = np.tile(np.linspace(0, 1, 16, dtype=np.float32)[:, None], (1, 16, 1, 1))
    answer = guided(soft, photo, large, **constants).numpy()[0, 16, :, 0]
    # What rose by 1/30 from column to column has a step where the photo has one.
    assert answer.shape == (32,) and answer[16] - answer[15] > 0.15
