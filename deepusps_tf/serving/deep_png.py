"""PNGs of 16 bits in a graph, brought to 8 as `data_prep.pictures.depth` does."""

import tensorflow as tf

from data_prep.pictures.depth import DEPTHS, SIXTEEN_BITS
from deepusps_tf.serving.photo_header import png_chunk, read_bytes, starts_as_png

_DEPTH = 24  # the place of the bits a channel in a PNG


def is_deep_png(photo: tf.Tensor) -> tf.Tensor:
    """Says whether a photo, string scalar, is a PNG of 16 bits a channel: bool scalar."""
    return tf.logical_and(starts_as_png(photo), read_bytes(photo, _DEPTH, 1)[0] == 16)


def decode_deep_png(photo: tf.Tensor) -> tf.Tensor:
    """Decodes a PNG of 16 bits a channel.

    Args:
        photo: string scalar, the bytes of a PNG.

    Returns:
        uint8 [H, W, 4], opaque where the file has no opacity.
    """
    values = tf.io.decode_png(photo, channels=4, dtype=tf.uint16)
    # What stands in sBIT is believed where it says one thing of at most 16 bits.
    said = tf.cast(tf.io.decode_raw(png_chunk(photo, b"sBIT"), tf.uint8), tf.int32)[:4]
    declared = tf.reduce_max(tf.concat([[0], said], 0))
    declared = tf.where(declared <= 16, declared, 0)
    parts = [_scaled(values[..., :3], declared), _scaled(values[..., 3:], declared)]
    return tf.concat(parts, -1)


def _scaled(values: tf.Tensor, declared: tf.Tensor) -> tf.Tensor:
    largest = tf.cast(tf.reduce_max(values), tf.int32)
    whites = tf.constant([(1 << bits) - 1 for bits in DEPTHS])
    fewest = tf.boolean_mask(whites, whites >= largest)[0]
    own = tf.bitwise.left_shift(1, declared) - 1
    said = tf.where(own >= largest, own, SIXTEEN_BITS)
    white = tf.where(declared > 0, said, tf.where(largest > 0, fewest, SIXTEEN_BITS))
    # A row at a time, for the products take twice the memory of the values.
    return tf.map_fn(
        lambda row: tf.cast(tf.cast(row, tf.int32) * 255 // white, tf.uint8),
        values,
        fn_output_signature=tf.uint8,
    )
