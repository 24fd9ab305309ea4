import struct

import numpy as np
import pytest
import tensorflow as tf

from data_prep.pictures.images import read_rgb
from deepusps_tf.serving.orientation import read_orientation, turn_upright
from tests.deepusps_tf.photo_files import encoded, exif

ORDERS = ["<", ">"]


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def read(block):
    return read_orientation(block)


@pytest.mark.parametrize("order", ORDERS)
def test_every_orientation_is_read(order):
    read_back = [read(tf.constant(exif(wanted, order))).numpy() for wanted in range(1, 9)]
    assert read_back == list(range(1, 9))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("missing", [1, 5, 11, 12])
def test_a_cut_block_is_read_as_far_as_it_goes(order, missing):
    # 8 bytes of header, 2 of count, 12 an entry; the orientation is the second one.
    block = exif(6, order)
    whole = 8 + 2 + 12 + 12
    assert read(tf.constant(block[:whole])).numpy() == 6
    assert read(tf.constant(block[: whole - missing])).numpy() == 1


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start", 2**32 - 1),
        ("start", 0),
        ("start", 60),
        ("entries", 0),
        ("kind", 2),
        ("kind", 65_535),
        ("count", 0),
        ("count", 65_535),
        ("count", 2**32 - 1),
    ],
)
def test_what_cannot_be_read_is_upright(order, field, value):
    assert read(tf.constant(exif(6, order, **{field: value}))).numpy() == 1


@pytest.mark.parametrize("order", ORDERS)
def test_a_count_beyond_the_block_loses_no_entry_before(order):
    assert read(tf.constant(exif(6, order, entries=65_535))).numpy() == 6


@pytest.mark.parametrize("orientation", [0, 9, 77, 65_535])
def test_unknown_orientations_are_upright(orientation):
    assert read(tf.constant(exif(orientation, "<"))).numpy() == 1


@pytest.mark.parametrize("block", [b"", b"II", b"II*\0", b"XX*\0" + exif(6, "<")[4:], bytes(99)])
def test_what_is_no_exif_is_upright(block):
    assert read(tf.constant(block)).numpy() == 1


def test_a_directory_may_lie_anywhere_in_the_block():
    block = exif(3, ">")
    moved = block[:4] + struct.pack(">I", 1008) + bytes(1000) + block[8:]
    assert read(tf.constant(moved)).numpy() == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_as_the_photos_of_training_are_turned(tmp_path, orientation):
    stored = np.arange(105, dtype=np.uint8).reshape(5, 7, 3)
    block = b"Exif\0\0" + exif(orientation, "<")
    (tmp_path / "a.png").write_bytes(encoded(stored, "PNG", exif=block))
    upright = turn_upright(tf.constant(stored), tf.constant(orientation, tf.int64))
    assert upright.shape == ((5, 7, 3) if orientation < 5 else (7, 5, 3))
    np.testing.assert_array_equal(upright, read_rgb(tmp_path / "a.png"))
