import numpy as np
import pytest
import tensorflow as tf

from deepusps_tf.networks.heads import BilinearUpsampling


@pytest.mark.parametrize(("extend", "border"), [(False, [5 / 8, 7 / 8]), (True, [1.0, 1.0])])
def test_upsampling_by_four_along_a_row(extend, border):
    layer = BilinearUpsampling(4, extend_border=extend)
    x = np.array([1.0, 2.0], np.float32).reshape(1, 1, 2, 1)
    y = np.asarray(layer(np.repeat(x, 3, axis=1), np.zeros((1, 12, 8, 3))))[0, 6, :, 0]
    inner = [1.125, 1.375, 1.625, 1.875]
    np.testing.assert_allclose(y, [*border, *inner, *(2 * np.array(border[::-1]))], atol=1e-6)


def test_upsampling_is_the_transposed_convolution():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 5, 3, 2)).astype(np.float32)
    side = np.arange(16)
    tent = 1 - np.abs(side / 8 - 15 / 16)  # the bilinear kernel of PyTorch DRN's `up`
    full = np.zeros((2, 8 * 5 + 8, 8 * 3 + 8, 2))
    for row in range(5):
        for column in range(3):
            window = full[:, 8 * row : 8 * row + 16, 8 * column : 8 * column + 16]
            window += (tent[:, None] * tent)[None, :, :, None] * x[:, row, None, column, None]
    y = BilinearUpsampling(8)(x, np.zeros((2, 40, 24, 3)))
    np.testing.assert_allclose(y, full[:, 4:-4, 4:-4], atol=1e-5)


def test_extended_upsampling_is_half_pixel_bilinear_resize():
    x = np.random.default_rng(2).normal(size=(2, 5, 3, 4)).astype(np.float32)
    y = BilinearUpsampling(2, extend_border=True)(x, np.zeros((2, 10, 6, 3)))
    np.testing.assert_allclose(y, tf.image.resize(x, (10, 6), "bilinear"), atol=1e-5)
