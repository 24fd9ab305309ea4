"""GIFs with a transparent colour, which TensorFlow's decoder draws black."""

import tensorflow as tf

from deepusps_tf.serving.photo_header import equals, read_bytes

_MAX_BLOCKS = 100  # gone through before the first picture
_HEADER = 13  # bytes; the table of colours follows where there is one
_EXTENSION, _CONTROL = 0x21, 0xF9


def is_translucent_gif(photo: tf.Tensor) -> tf.Tensor:
    """Says whether the first picture of a GIF has a transparent colour.

    Args:
        photo: string scalar, the bytes of a file of any kind.

    Returns:
        bool scalar.
    """
    header = read_bytes(photo, 0, _HEADER)
    flags = header[10]
    colours = tf.bitwise.left_shift(tf.constant(2, tf.int64), tf.bitwise.bitwise_and(flags, 7))
    table = tf.where(tf.bitwise.bitwise_and(flags, 0x80) > 0, 3 * colours, 0)

    def step(place, inside, _, __):
        """Goes on by an extension's head, or inside it by one of its parts, of which 0 is last."""
        head = read_bytes(photo, place, 4)
        extends = tf.logical_and(tf.logical_not(inside), head[0] == _EXTENSION)
        control = tf.logical_and(extends, head[1] == _CONTROL)
        clear = tf.logical_and(control, tf.bitwise.bitwise_and(head[3], 1) > 0)
        far = tf.where(inside, 1 + head[0], tf.constant(2, tf.int64))
        more = tf.logical_or(extends, inside)
        still = tf.logical_or(extends, tf.logical_and(inside, head[0] > 0))
        return place + far, still, clear, tf.logical_and(more, tf.logical_not(clear))

    start = (_HEADER + table, tf.constant(False), tf.constant(False), equals(header[:4], b"GIF8"))
    loop = tf.while_loop(lambda _, __, ___, more: more, step, start, maximum_iterations=_MAX_BLOCKS)
    return loop[2]
