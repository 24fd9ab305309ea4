import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from deepusps_tf.serving.photo_header import declared_pixels, exif_block, has_opacity, is_cmyk
from tests.deepusps_tf.photo_files import CORNERS, encoded, exif, turned

BLOCK = exif(6, "<")


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def read_exif(photo):
    return exif_block(photo)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def translucent(photo):
    return has_opacity(photo)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_size_is_read_from_the_header(kind):
    photo = encoded(Image.new("RGB", (31, 7)), kind)
    assert declared_pixels(tf.constant(photo)).numpy() == 31 * 7


@pytest.mark.parametrize("photo", [b"", b"\x89PNG", b"GIF89a", b"text that is no photo at all"])
def test_what_is_no_photo_declares_nothing(photo):
    assert declared_pixels(tf.constant(photo)).numpy() == 0


def test_four_colours_are_told_by_the_header():
    for mode in ("CMYK", "RGB", "L"):
        photo = encoded(Image.new(mode, (31, 7)), "JPEG")
        assert is_cmyk(tf.constant(photo)).numpy() == (mode == "CMYK")
    for photo in (b"", b"\xff\xd8\xff", encoded(CORNERS, "PNG")):
        assert not is_cmyk(tf.constant(photo)).numpy()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_is_found_as_it_was_stored(kind):
    assert read_exif(tf.constant(turned(6, "<", kind))).numpy() == BLOCK
    assert read_exif(tf.constant(encoded(CORNERS, kind))).numpy() == b""


@pytest.mark.parametrize("before", [b"", b"\xff", 5 * b"\xff"], ids=["none", "one", "five"])
def test_exif_may_come_behind_other_segments_and_fill_bytes(before):
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + segment(0xE1, b"Exif\0\0no"))
    jpeg = (
        b"\xff\xd8" + segment(0xE0, b"JFIF\0") + xmp + before + segment(0xE1, b"Exif\0\0" + BLOCK)
    )
    assert read_exif(tf.constant(jpeg + b"\xff\xda")).numpy() == BLOCK


def test_pixels_hold_no_exif():
    hidden = segment(0xE1, b"Exif\0\0" + BLOCK)
    assert read_exif(tf.constant(b"\xff\xd8" + segment(0xDA, b"") + hidden)).numpy() == b""
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"") + chunk(b"eXIf", BLOCK)
    assert read_exif(tf.constant(png)).numpy() == b""


@pytest.mark.parametrize("declared", [0, 2, 7, 8, 65_535])
def test_a_segment_of_a_false_length_gives_what_is_there(declared):
    jpeg = b"\xff\xd8\xff\xe1" + struct.pack(">H", declared) + b"Exif\0\0" + BLOCK
    assert read_exif(tf.constant(jpeg)).numpy() == BLOCK[: max(0, declared - 8)]


def test_a_chunk_of_a_false_length_gives_what_is_there_within_64_kilobytes():
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**32 - 1) + b"eXIf" + bytes(70_000)
    assert read_exif(tf.constant(png)).numpy() == bytes(65_536)


@pytest.mark.parametrize(
    "photo",
    [
        b"\xff\xd8" + 200 * segment(0xFE, b"") + segment(0xE1, b"Exif\0\0" + BLOCK),
        b"\xff\xd8" + 10_000 * b"\xff" + segment(0xE1, b"Exif\0\0" + BLOCK)[1:],
        b"\x89PNG\r\n\x1a\n" + 200 * chunk(b"tEXt", b"") + chunk(b"eXIf", BLOCK),
    ],
    ids=["segments", "fill bytes", "chunks"],
)
def test_the_walk_is_bounded(photo):
    assert read_exif(tf.constant(photo)).numpy() == b""


GREY = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4))
RGBA = GREY.convert("RGBA")


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (encoded(RGBA, "PNG"), True),
        (encoded(GREY.convert("LA"), "PNG"), True),
        (encoded(GREY.convert("P"), "PNG", transparency=3), True),
        (encoded(GREY, "PNG", transparency=3), True),
        (encoded(GREY, "PNG"), False),
        (encoded(GREY.convert("P"), "PNG"), False),
        (encoded(GREY.convert("RGB"), "PNG"), False),
        (encoded(GREY, "JPEG"), False),
        (encoded(GREY.convert("P"), "GIF", transparency=3), False),
        (b"", False),
        (encoded(RGBA, "PNG")[:20], False),
    ],
)
def test_opacity_is_known_from_the_header(photo, expected):
    assert translucent(tf.constant(photo)).numpy() == expected


def test_no_photo_of_random_bytes_raises():
    random = np.random.default_rng(0)
    starts = [
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        turned(6, "<")[:40],
        turned(6, ">", "PNG")[:60],
    ]
    for number in range(200):
        photo = tf.constant(starts[number % 4] + random.bytes(int(random.integers(0, 200))))
        assert len(read_exif(photo).numpy()) <= 200
        assert translucent(photo).dtype == tf.bool
