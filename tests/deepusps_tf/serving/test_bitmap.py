import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.pictures.images import read_rgb
from deepusps_tf.serving.bitmap import decode_bitmap

INPUT = Path(__file__).parents[4] / "shared" / "data" / "inputs" / "palette.bmp"
RGB = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
decode = tf.function(decode_bitmap, input_signature=[tf.TensorSpec([], tf.string)])


def bitmap(picture: Image.Image) -> bytearray:
    stream = io.BytesIO()
    picture.save(stream, "BMP")
    return bytearray(stream.getvalue())


def agrees(tmp_path, data: bytes) -> None:
    (tmp_path / "photo.bmp").write_bytes(data)
    expected = read_rgb(tmp_path / "photo.bmp")
    np.testing.assert_array_equal(decode(tf.constant(bytes(data))).numpy(), expected)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
def test_forms_are_read_as_in_training(tmp_path, mode):
    agrees(tmp_path, bitmap(Image.fromarray(RGB).convert(mode)))


@pytest.mark.parametrize("colours", [2, 3, 200])
def test_palettes(tmp_path, colours):
    picture = Image.fromarray(RGB).quantize(colours)
    data = bitmap(picture)
    if struct.unpack_from("<H", data, 28)[0] != 8:
        pytest.skip("this Pillow writes fewer bits a pixel")
    agrees(tmp_path, data)


def test_rows_from_the_top(tmp_path):
    data = bitmap(Image.fromarray(RGB))
    struct.pack_into("<i", data, 22, -RGB.shape[0])
    agrees(tmp_path, data)


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [(28, "<H", 1), (28, "<H", 4), (28, "<H", 16), (30, "<I", 1), (30, "<I", 3), (14, "<I", 12)],
)
def test_other_forms_are_refused(place, form, value):
    data = bitmap(Image.fromarray(RGB))
    struct.pack_into(form, data, place, value)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have 8, 24 or 32 bits a pixel"):
        decode(tf.constant(bytes(data)))


def test_one_bit_is_refused():
    data = bitmap(Image.fromarray(RGB).convert("1"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have 8, 24 or 32 bits a pixel"):
        decode(tf.constant(bytes(data)))


@pytest.mark.parametrize("length", [2, 14, 30, 53, 60])
def test_cut_files_raise_and_do_not_crash(length):
    data = bitmap(Image.fromarray(RGB).quantize(9))[:length]
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(tf.constant(bytes(data)))


@pytest.mark.skipif(not INPUT.is_file(), reason="the shared inputs are not here")
def test_a_photo_that_was_served_as_grey(tmp_path):
    agrees(tmp_path, INPUT.read_bytes())
