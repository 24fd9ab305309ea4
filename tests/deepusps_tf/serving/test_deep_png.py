import numpy as np
import pytest
import tensorflow as tf

from data_prep.pictures import depth
from data_prep.pictures.images import read_rgb
from deepusps_tf.serving.deep_png import decode_deep_png, is_deep_png
from deepusps_tf.serving.opacity import put_on_white
from tests.data_prep.pictures.test_depth import png, with_chunk
from tests.deepusps_tf.photo_files import CORNERS, encoded

FULL = np.random.default_rng(0).integers(0, 65536, (6, 9, 4)).astype(np.uint16)
ANY = tf.TensorSpec([], tf.string)
decode = tf.function(lambda photo: put_on_white(decode_deep_png(photo)), input_signature=[ANY])


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("sbit", [None, 0, 11, 12, 16, 77])
def test_values_are_those_of_training(monkeypatch, bits, sbit):
    monkeypatch.setattr(depth, "_told", set())
    values = FULL >> (16 - bits)
    for part in (values[..., 0], values[..., :3], values):
        photo = png(part)
        if sbit is not None:
            channels = 1 if part.ndim == 2 else part.shape[2]
            photo = with_chunk(photo, b"sBIT", bytes([sbit] * channels))
        np.testing.assert_array_equal(decode(photo).numpy(), read_rgb(photo))


def test_black_stays_black():
    photo = png(np.zeros((3, 4), np.uint16))
    assert not decode(photo).numpy().any()


def test_only_pngs_of_16_bits_are_deep():
    deep = tf.function(is_deep_png, input_signature=[ANY])
    assert deep(png(FULL)).numpy()
    for photo in (encoded(CORNERS, "PNG"), encoded(CORNERS, "JPEG"), b"", png(FULL)[:20]):
        assert not deep(photo).numpy()
