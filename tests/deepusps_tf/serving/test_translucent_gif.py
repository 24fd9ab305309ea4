import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from deepusps_tf.serving.translucent_gif import is_translucent_gif
from tests.deepusps_tf.photo_files import CORNERS, encoded

translucent = tf.function(is_translucent_gif, input_signature=[tf.TensorSpec([], tf.string)])
PALETTE = Image.fromarray(CORNERS).quantize(4)


@pytest.mark.parametrize("options", [{}, {"comment": b"!\xf9\x04\x01 no control"}, {"loop": 3}])
def test_a_transparent_colour_is_found_behind_other_extensions(options):
    assert translucent(encoded(PALETTE, "GIF", transparency=1, **options)).numpy()
    assert not translucent(encoded(PALETTE, "GIF", **options)).numpy()


def test_that_of_a_later_picture_does_not_count():
    later = Image.fromarray(CORNERS[::-1]).quantize(4)
    later.info["transparency"] = 0
    photo = encoded(PALETTE, "GIF", save_all=True, append_images=[later])
    assert not translucent(photo).numpy()


def test_cut_and_crafted_files_are_judged_too():
    whole = encoded(PALETTE, "GIF", transparency=1)
    random = np.random.default_rng(0)
    for length in range(40):
        translucent(whole[:length])
    for _ in range(50):
        crafted = bytearray(whole)
        crafted[int(random.integers(6, 40))] = int(random.integers(0, 256))
        translucent(bytes(crafted))
    assert not translucent(encoded(CORNERS, "PNG")).numpy()
