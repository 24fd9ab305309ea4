"""Encoded photos that the tests of serving share."""

import io
import struct

import numpy as np
from PIL import Image

# Red, green, blue and white: tells every turn, flip and channel order from the others. Sides of
# whole JPEG blocks, so that decoders hardly differ.
CORNERS = np.zeros((32, 48, 3), np.uint8)
CORNERS[:16, :24, 0] = CORNERS[:16, 24:, 1] = CORNERS[16:, :24, 2] = 200
CORNERS[16:, 24:] = 220


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    """Encodes a picture as Pillow does."""
    if isinstance(pixels, np.ndarray):
        pixels = Image.fromarray(pixels)
    stream = io.BytesIO()
    pixels.save(stream, kind, **options)
    return stream.getvalue()


def exif(
    orientation: int, order: str, *, kind: int = 3, count: int = 1, start: int = 8, entries: int = 3
) -> bytes:
    """Builds an EXIF block from its TIFF header on, of three entries, `order` being < or >."""
    mark = b"II" if order == "<" else b"MM"
    header = mark + struct.pack(f"{order}HI", 42, start)
    maker = struct.pack(f"{order}HHI4s", 0x010F, 2, 4, b"abc\0")
    turn = struct.pack(f"{order}HHIHH", 0x0112, kind, count, orientation, 0)
    unit = struct.pack(f"{order}HHIHH", 0x0128, 3, 1, 2, 0)
    number = struct.pack(f"{order}H", entries)
    return header + number + maker + turn + unit + struct.pack(f"{order}I", 0)


def textured(height: int, width: int) -> Image.Image:
    """A picture of coarse colours under fine noise, in which decoders of JPEG differ."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    noisy = smooth + random.normal(0, 12, smooth.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def jpegs(height: int, width: int) -> dict[str, bytes]:
    """Encodes `textured` as JPEG in the ways that photos come in."""
    picture = textured(height, width)
    return {
        "4:2:0": encoded(picture, "JPEG", subsampling="4:2:0", quality=85),
        "4:2:2": encoded(picture, "JPEG", subsampling="4:2:2", quality=85),
        "4:4:4": encoded(picture, "JPEG", subsampling="4:4:4", quality=95),
        "coarse": encoded(picture, "JPEG", quality=20),
        "grey": encoded(picture.convert("L"), "JPEG", quality=85),
        "progressive": encoded(picture, "JPEG", progressive=True, quality=75),
    }


def turned_jpegs(height: int, width: int) -> dict[str, bytes]:
    """Encodes `textured` as cameras held in each other way store it."""
    picture = textured(height, width)
    return {
        f"orientation {orientation}": encoded(
            picture, "JPEG", quality=85, exif=b"Exif\0\0" + exif(orientation, "<")
        )
        for orientation in range(2, 9)
    }


def turned(orientation: int, order: str, kind: str = "JPEG") -> bytes:
    """Encodes `CORNERS` as a camera held another way stores them."""
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    return encoded(CORNERS, kind, exif=b"Exif\0\0" + exif(orientation, order), **options)
