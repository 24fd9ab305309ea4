"""What a graph reads in an encoded photo before decoding it: size, opacity, EXIF and profile.

All is made of TensorFlow's own operations, so that an export needs nothing of this package. Bytes
beyond a photo's end read as 0 and a walk ends after `_MAX_BLOCKS` blocks, so that no photo, cut or
crafted, raises or takes long here.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_MAX_BLOCKS = 100  # JPEG segments or PNG chunks gone through; EXIF is among the first few
_MAX_EXIF = 1 << 16  # bytes; a JPEG segment holds no more
_ZERO, _ONE = np.int64(0), np.int64(1)  # a bare 0 is an int32 beside a tensor in `tf.where`


def declared_pixels(photo: tf.Tensor) -> tf.Tensor:
    """Reads width x height from a photo's header, without decoding it.

    Args:
        photo: string scalar, the bytes of a file.

    Returns:
        int64 scalar; 0 where the bytes are no JPEG, PNG, GIF or BMP.
    """

    def starts(magic: bytes, at_least: int):
        return tf.logical_and(tf.strings.length(photo) >= at_least, _starts(photo, magic))

    def integers(start: int, dtype, little_endian: bool):
        field = tf.strings.substr(photo, start, 2 * dtype.size)
        sides = tf.io.decode_raw(field, dtype, little_endian=little_endian)
        return tf.abs(tf.reduce_prod(tf.cast(sides, tf.int64)))

    def jpeg():
        return tf.reduce_prod(tf.io.extract_jpeg_shape(photo, output_type=tf.int32)[:2])

    return tf.case(
        [
            (_is_jpeg(photo), lambda: tf.cast(jpeg(), tf.int64)),
            (starts(_PNG, 24), lambda: integers(16, tf.int32, False)),
            (starts(b"GIF8", 10), lambda: integers(6, tf.uint16, True)),
            (starts(b"BM", 26), lambda: integers(18, tf.int32, True)),
        ],
        default=lambda: tf.constant(0, tf.int64),
    )


def is_bitmap(photo: tf.Tensor) -> tf.Tensor:
    """Says whether a photo, string scalar, is a BMP: bool scalar."""
    return _starts(photo, b"BM")


def is_cmyk(photo: tf.Tensor) -> tf.Tensor:
    """Says whether a photo, string scalar, is a JPEG of four colours: bool scalar."""
    return tf.cond(
        _is_jpeg(photo),
        lambda: tf.io.extract_jpeg_shape(photo)[2] == 4,
        lambda: tf.constant(False),
    )


def starts_as_png(photo: tf.Tensor) -> tf.Tensor:
    """Says whether a photo, string scalar, is a PNG: bool scalar."""
    return _starts(photo, _PNG)


def has_opacity(photo: tf.Tensor) -> tf.Tensor:
    """Says whether a photo is a PNG with an alpha channel or a transparent colour.

    Args:
        photo: string scalar, the bytes of a file.

    Returns:
        bool scalar.
    """

    def of_png():
        alpha = tf.bitwise.bitwise_and(read_bytes(photo, 25, 1)[0], 4) > 0  # of the colour type
        return tf.logical_or(alpha, tf.strings.length(png_chunk(photo, b"tRNS")) > 0)

    return tf.cond(_starts(photo, _PNG), of_png, lambda: tf.constant(False))


def exif_block(photo: tf.Tensor) -> tf.Tensor:
    """Finds the EXIF block of a JPEG, or of a PNG where it comes before the pixels.

    Args:
        photo: string scalar, the bytes of a file.

    Returns:
        string scalar, from the TIFF header on, at most 64 KB; empty where there is none.
    """
    return tf.case(
        [
            (_starts(photo, _JPEG), lambda: _jpeg_exif(photo)),
            (_starts(photo, _PNG), lambda: png_chunk(photo, b"eXIf")),
        ],
        default=lambda: tf.constant(b""),
    )


def icc_profile(photo: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the ICC profile of a JPEG or PNG.

    Args:
        photo: string scalar, the bytes of a file.

    Returns:
        string scalar, the profile, empty where there is none; bool scalar, false where a JPEG has
        it in several segments, or a PNG one of 64 KB and more.
    """
    return tf.case(
        [
            (_starts(photo, _JPEG), lambda: _jpeg_profile(photo)),
            (_starts(photo, _PNG), lambda: _png_profile(photo)),
        ],
        default=lambda: (tf.constant(b""), tf.constant(True)),
    )


def shows_grey(photo: tf.Tensor) -> tf.Tensor:
    """Says whether a photo is a JPEG of one channel or a PNG of grey without opacity: bool."""
    return tf.case(
        [
            (_is_jpeg(photo), lambda: tf.io.extract_jpeg_shape(photo)[2] == 1),
            (_starts(photo, _PNG), lambda: read_bytes(photo, 25, 1)[0] == 0),
        ],
        default=lambda: tf.constant(False),
    )


def read_bytes(data: tf.Tensor, start: int | tf.Tensor, count: int) -> tf.Tensor:
    """Reads bytes at any place; those beyond the end are 0.

    Args:
        data: string scalar.
        start: the first one, int64 scalar from 0.
        count: how many.

    Returns:
        int64 [count].
    """
    field = cut(data, start, count)
    return tf.cast(tf.io.decode_raw(field, tf.uint8, fixed_length=count), tf.int64)


def cut(data: tf.Tensor, start: int | tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Cuts up to `count` bytes out, string scalar; fewer or none where `data` ends before."""
    end = tf.strings.length(data)
    start = tf.minimum(tf.cast(start, tf.int64), tf.cast(end, tf.int64))
    return tf.strings.substr(data, start, tf.maximum(tf.cast(count, tf.int64), 0))


def number(field: tf.Tensor, little_endian: bool | tf.Tensor = False) -> tf.Tensor:
    """Puts unsigned numbers of at most 7 bytes together: int64 [..., n] -> [...]."""
    high_first = tf.where(little_endian, tf.reverse(field, [-1]), field)
    return tf.reduce_sum(high_first * [256**n for n in reversed(range(field.shape[-1]))], -1)


def equals(field: tf.Tensor, text: bytes) -> tf.Tensor:
    """Says whether bytes, int64 [n], are those of `text`."""
    return tf.reduce_all(field == list(text))


def _starts(photo: tf.Tensor, magic: bytes) -> tf.Tensor:
    return tf.strings.substr(photo, 0, len(magic)) == magic


def _is_jpeg(photo: tf.Tensor) -> tf.Tensor:
    return tf.logical_and(tf.strings.length(photo) >= 4, _starts(photo, _JPEG))


def _jpeg_segment(photo: tf.Tensor, marker: bytes, name: bytes) -> tf.Tensor:
    """Finds what the first segment of a JPEG holds that begins with a name of 6 bytes."""

    def is_wanted(head):
        return tf.logical_and(equals(head[:2], marker), equals(head[4:], name))

    def step(head):
        pixels_or_rubbish = tf.logical_or(head[0] != 0xFF, head[1] == 0xDA)
        ends = tf.logical_or(is_wanted(head), pixels_or_rubbish)
        # A marker may have bytes of 255 before it.
        return tf.where(ends, _ZERO, tf.where(head[1] == 0xFF, _ONE, 2 + number(head[2:4])))

    place = _seek(photo, 2, step)
    head = read_bytes(photo, place, 10)
    return cut(photo, place + 4, tf.where(is_wanted(head), number(head[2:4]) - 2, _ZERO))


def _jpeg_exif(photo: tf.Tensor) -> tf.Tensor:
    return cut(_jpeg_segment(photo, b"\xff\xe1", b"Exif\0\0"), 6, _MAX_EXIF)


def _jpeg_profile(photo: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    segment = _jpeg_segment(photo, b"\xff\xe2", b"ICC_PR")
    parts = read_bytes(segment, 13, 1)[0]  # behind the name, its 0, and which of them this is
    return cut(segment, 14, _MAX_EXIF), parts <= 1


def _png_profile(photo: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    chunk = png_chunk(photo, b"iCCP")
    whole = tf.strings.length(chunk) < _MAX_EXIF
    name_end = tf.argmax(tf.cast(read_bytes(chunk, 0, 80) == 0, tf.int32))
    packed = cut(chunk, name_end + 2, _MAX_EXIF)
    found = tf.logical_and(whole, tf.strings.length(packed) > 0)
    profile = tf.cond(
        found, lambda: tf.io.decode_compressed(packed, "ZLIB"), lambda: tf.constant(b"")
    )
    return profile, whole


def png_chunk(photo: tf.Tensor, kind: bytes) -> tf.Tensor:
    """Finds what a chunk of a PNG holds, where it comes before the pixels: string scalar."""

    def step(head):
        ends = [equals(head[4:8], name) for name in (kind, b"IDAT", bytes(4))]
        return tf.where(tf.reduce_any(ends), _ZERO, 12 + number(head[:4]))

    place = _seek(photo, len(_PNG), step)
    head = read_bytes(photo, place, 8)
    size = tf.where(equals(head[4:], kind), number(head[:4]), _ZERO)
    return cut(photo, place + 8, tf.minimum(size, _MAX_EXIF))


def _seek(photo: tf.Tensor, start: int, step: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Walks from block to block.

    Args:
        photo: string scalar.
        start: place of the first block.
        step: a block's first 10 bytes -> how far the next one is; 0 ends the walk.

    Returns:
        int64 scalar, the place of the block that ended the walk.
    """

    def go(place, _):
        far = step(read_bytes(photo, place, 10))
        return place + far, far

    begin = tf.constant(start, tf.int64), tf.constant(1, tf.int64)
    return tf.while_loop(lambda _, far: far > 0, go, begin, maximum_iterations=_MAX_BLOCKS)[0]
