import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from data_prep.pictures import depth
from data_prep.pictures.cutouts import write_cutout
from data_prep.pictures.depth import white_of
from data_prep.pictures.images import read_rgb, read_rgb_within
from data_prep.pictures.opening import ImageError

TWELVE = np.random.default_rng(3).integers(0, 4096, (6, 9, 4)).astype(np.uint16)
TWELVE[0, 0], TWELVE[1, 1] = 0, 4095
EIGHT = (TWELVE.astype(int) * 255 // 4095).astype(np.uint8)


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    monkeypatch.setattr(depth, "_told", set())


def tiff(values, **options) -> bytes:
    stream = io.BytesIO()
    kind = {} if values.ndim == 2 else {"photometric": "rgb"}
    tifffile.imwrite(stream, values, **{**kind, **options})
    return stream.getvalue()


def png(values) -> bytes:
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    return cv2.imencode(".png", values)[1].tobytes()


def with_chunk(content: bytes, kind: bytes, body: bytes) -> bytes:
    """Puts a chunk behind the header of a PNG."""
    check = struct.pack(">I", zlib.crc32(kind + body))
    return content[:33] + struct.pack(">I", len(body)) + kind + body + check + content[33:]


def grey(eight):
    return np.repeat(eight[..., None], 3, axis=-1)


@pytest.mark.parametrize(
    ("largest", "declared", "white"),
    [
        (65535, None, 65535),
        (16384, None, 65535),
        (16383, None, 16383),
        (4096, None, 16383),
        (4095, None, 4095),
        (1024, None, 4095),
        (1023, None, 1023),
        (255, None, 255),
        (0, None, 65535),
        (255, 12, 4095),
        (4095, 12, 4095),
        (4096, 12, 65535),
        (3000, 16, 65535),
        (3000, 13, 8191),
    ],
)
def test_what_is_white(largest, declared, white):
    assert white_of(largest, declared) == white


@pytest.mark.parametrize("kind", [png, tiff])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_values_are_scaled_by_the_bits_they_need_and_it_is_said(tmp_path, capsys, kind, bits):
    white = (1 << bits) - 1
    values = (EIGHT.astype(int) * white // 255).astype(np.uint16)
    for name, part in (("grey", values[..., 0]), ("colours", values[..., :3])):
        path = tmp_path / name
        path.write_bytes(kind(part))
        expected = (part.astype(int) * 255 // white).astype(np.uint8)
        expected = expected if part.ndim == 3 else grey(expected)
        np.testing.assert_array_equal(read_rgb(path), expected)
        np.testing.assert_array_equal(read_rgb_within(path, max_side=9)[0], expected)
    assert capsys.readouterr().err == (
        f"{tmp_path}/grey: its 16-bit values reach only {white}, so it is read as one of {bits} "
        "bits, and so are others like it; if it is that dark, save it with 8 bits\n"
    )


@pytest.mark.parametrize("kind", [png, tiff])
def test_colours_of_all_16_bits_are_as_grey_ones(capsys, kind):
    values = np.arange(0, 65536, 401, dtype=np.uint16)[:162].reshape(6, 9, 3)
    np.testing.assert_array_equal(read_rgb(kind(values)), values // 257)
    assert not capsys.readouterr().err


def test_a_file_that_says_its_depth_is_believed(capsys):
    dark, dim = TWELVE[..., :3] // 16, (TWELVE[..., :3] // 16 * 255 // 4095).astype(np.uint8)
    tags = [(tag, "H", 3, (4095,) * 3, True) for tag in (281, 341)]
    for tag in tags:
        np.testing.assert_array_equal(read_rgb(tiff(dark, extratags=[tag])), dim)
    bits = with_chunk(png(dark), b"sBIT", bytes([12] * 3))
    np.testing.assert_array_equal(read_rgb(bits), dim)
    of_sixteen = tiff(TWELVE[..., 0], extratags=[(281, "H", 1, 65535, True)])
    np.testing.assert_array_equal(read_rgb(of_sixteen), grey(TWELVE[..., 0] // 257))
    assert not capsys.readouterr().err


def test_scaled_values_beyond_the_bits_a_png_names_are_of_16():
    values = np.array([[0, 65535, 257 * 40]], np.uint16)
    photo = with_chunk(png(values), b"sBIT", b"\x0c")
    np.testing.assert_array_equal(read_rgb(photo), grey(np.array([[0, 255, 40]])))


def test_twelve_packed_bits():
    values = TWELVE[:, :8, 0]  # rows of whole bytes
    packed = b"".join(
        bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in values.reshape(-1, 2).tolist()
    )
    photo = bytearray(tiff(values // 2))
    for tag, kind, before, now in ((258, 3, 16, 12), (279, 4, 96, 72)):  # bits, bytes of the strip
        entry = struct.pack("<HHI", tag, kind, 1)
        photo = photo.replace(entry + bytes([before]), entry + bytes([now]))
    photo[-96:] = packed + bytes(24)
    np.testing.assert_array_equal(read_rgb(bytes(photo)), grey(EIGHT[:, :8, 0]))


def test_opacity_has_a_white_of_its_own(tmp_path):
    for opaque in (4095, 65535):
        values = TWELVE.copy()
        values[..., 3] = opaque
        values[0, 1, 3] = 0
        for kind in (png(values), tiff(values, extrasamples=["unassalpha"])):
            expected = EIGHT[..., :3].copy()
            expected[0, 1] = 255
            np.testing.assert_array_equal(read_rgb(kind), expected)


def test_a_transparent_value_lies_on_white():
    clear = int(TWELVE[2, 2, 0])
    photo = with_chunk(png(TWELVE[..., 0]), b"tRNS", struct.pack(">H", clear))
    expected = np.where(TWELVE[..., 0] == clear, 255, EIGHT[..., 0])
    np.testing.assert_array_equal(read_rgb(photo), grey(expected))


def test_white_that_is_zero():
    photo = tiff(TWELVE[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_rgb(photo), grey(255 - EIGHT[..., 0]))


def test_wide_photos_are_turned_once(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = tiff(TWELVE[..., :3], extratags=[(274, "H", 1, 6, True)])
    np.testing.assert_array_equal(read_rgb(wide), np.rot90(EIGHT[..., :3], -1))
    turned = with_chunk(png(TWELVE[..., :3]), b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    np.testing.assert_array_equal(read_rgb(turned), np.rot90(EIGHT[..., :3], -1))


def test_cutouts_of_12_bits(tmp_path):
    opacity = np.full((6, 9), 90, np.uint8)
    for content, expected in ((png(TWELVE[..., :3]), EIGHT[..., :3]), (png(TWELVE[..., 0]), None)):
        (tmp_path / "photo.png").write_bytes(content)
        write_cutout(tmp_path / "photo.png", opacity, tmp_path / "cutout.png")
        colours = grey(EIGHT[..., 0]) if expected is None else expected
        cutout = np.array(Image.open(tmp_path / "cutout.png"))
        np.testing.assert_array_equal(cutout, np.dstack([colours, opacity]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tiff(np.full((4, 4), 70000, np.uint32)), "has values below 0 or above 65535; save it"),
        (tiff(np.full((4, 4), -1, np.int16)), "has values below 0 or above 65535"),
        (tiff(TWELVE[..., :3].transpose(2, 0, 1).copy(), planarconfig="separate"), "not known"),
    ],
)
def test_what_cannot_be_read_rightly_is_refused(content, message):
    with pytest.raises(ImageError, match=f"^the photo's bytes: .*{message}"):
        read_rgb(content)
