"""EXIF orientation in a graph: how a camera was held, and turning what it took upright."""

import tensorflow as tf

from deepusps_tf.serving.photo_header import cut, equals, number, read_bytes

_TAG, _SHORT = 0x0112, 3
_ENTRY = 12  # bytes: tag 2, type 2, count 4, value 4


def read_orientation(exif: tf.Tensor) -> tf.Tensor:
    """Reads the orientation in the first directory of an EXIF block.

    Args:
        exif: string scalar, from the TIFF header on; may be empty, cut or crafted.

    Returns:
        int64 scalar in 1..8; 1, upright, where the block says nothing that can be read.
    """
    header = read_bytes(exif, 0, 8)
    little = equals(header[:4], b"II*\0")
    known = tf.logical_or(little, equals(header[:4], b"MM\0*"))
    directory = number(header[4:], little)
    count = number(read_bytes(exif, directory, 2), little)
    raw = tf.io.decode_raw(cut(exif, directory + 2, count * _ENTRY), tf.uint8)
    whole = tf.size(raw) // _ENTRY
    entries = tf.cast(tf.reshape(raw[: whole * _ENTRY], [whole, _ENTRY]), tf.int64)
    # One number of 16 bits, as the standard has it, in the first half of the value's four bytes.
    wanted = tf.reduce_all(
        [
            number(entries[:, 0:2], little) == _TAG,
            number(entries[:, 2:4], little) == _SHORT,
            number(entries[:, 4:8], little) == 1,
        ],
        axis=0,
    )
    values = tf.boolean_mask(number(entries[:, 8:10], little), wanted)
    last = tf.concat([tf.ones([1], tf.int64), values], 0)[-1]
    return tf.where(tf.reduce_all([known, last >= 1, last <= 8]), last, tf.ones_like(last))


def turn_upright(photo: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns and mirrors a photo as its EXIF orientation says; an upright one is not copied.

    Args:
        photo: [H, W, C] as stored.
        orientation: int64 scalar in 1..8.

    Returns:
        [H, W, C] or, where it lay on its side, [W, H, C] of the same type.
    """
    turned = tf.cond(orientation == 1, lambda: photo, lambda: _turn(photo, orientation))
    return tf.ensure_shape(turned, [None, None, photo.shape[-1]])


def _turn(photo: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    order = tf.where(orientation >= 5, [1, 0, 2], [0, 1, 2])
    upside_down = tf.reduce_any(orientation == [3, 4, 7, 8])
    mirrored = tf.reduce_any(orientation == [2, 3, 6, 7])
    axes = tf.boolean_mask([0, 1], [upside_down, mirrored])
    return tf.reverse(tf.transpose(photo, order), axes)
