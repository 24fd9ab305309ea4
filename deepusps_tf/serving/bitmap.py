"""BMP photos in a graph: TensorFlow takes a palette's numbers for grey, and knows few forms."""

import tensorflow as tf

from deepusps_tf.serving.opacity import put_on_white
from deepusps_tf.serving.photo_header import number, read_bytes

_FILE_HEADER = 14  # bytes; then comes the picture's own header, and after it the palette
_COLOURS = 256
_OPACITY_MASK = 0xFF000000
_STANDARD_MASKS = [0x00FF0000, 0x0000FF00, 0x000000FF]  # red, green and blue of 32 bits


def decode_bitmap(photo: tf.Tensor) -> tf.Tensor:
    """Decodes a BMP of 8, 24 or 32 bits a pixel that is not compressed.

    Args:
        photo: string scalar, the bytes of a BMP.

    Returns:
        uint8 [H, W, 3], on white where the header says which bits are the opacity.

    Raises:
        tf.errors.InvalidArgumentError: when run, for a BMP of another form.
    """
    header = _field(photo, 14, 4)
    bits, compression = _field(photo, 28, 2), _field(photo, 30, 4)
    masks = tf.stack([_field(photo, place, 4) for place in (54, 58, 62)])
    plain = tf.logical_and(compression == 0, tf.reduce_any(bits == [8, 24, 32]))
    masked = tf.reduce_all(
        tf.stack([compression == 3, bits == 32, tf.reduce_all(masks == _STANDARD_MASKS)])
    )
    known = tf.logical_and(header >= 40, tf.logical_or(plain, masked))
    what = ["a BMP must have 8, 24 or 32 bits a pixel and no compression; it has", bits]
    with tf.control_dependencies([tf.debugging.Assert(known, [*what, "and", compression])]):
        photo = tf.identity(photo)
    translucent = tf.reduce_all(
        tf.stack([compression == 3, header >= 56, _field(photo, 66, 4) == _OPACITY_MASK])
    )
    rgb = tf.case(
        [
            (bits == 8, lambda: _through_palette(photo, header)),
            (bits == 24, lambda: tf.io.decode_bmp(photo, channels=3)),
            (translucent, lambda: put_on_white(tf.io.decode_bmp(photo, channels=4))),
        ],
        default=lambda: tf.io.decode_bmp(photo, channels=4)[..., :3],
    )
    return tf.ensure_shape(rgb, [None, None, 3])


def _field(photo: tf.Tensor, place: int, size: int) -> tf.Tensor:
    return number(read_bytes(photo, place, size), little_endian=True)


def _through_palette(photo: tf.Tensor, header: tf.Tensor) -> tf.Tensor:
    """Looks each pixel's number up; one beyond the palette's end is black."""
    entries = tf.reshape(read_bytes(photo, _FILE_HEADER + header, 4 * _COLOURS), [_COLOURS, 4])
    used = _field(photo, 46, 4)
    there = tf.range(_COLOURS, dtype=tf.int64) < tf.where(used == 0, tf.int64.max, used)
    palette = tf.where(there[:, None], entries[:, 2::-1], 0)  # stored as blue, green, red, 0
    numbers = tf.io.decode_bmp(photo, channels=0)[..., 0]  # what the file has: one channel
    return tf.gather(tf.cast(palette, tf.uint8), tf.cast(numbers, tf.int32))
