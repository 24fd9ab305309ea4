"""Photos in and pictures out: the one place where image files are decoded and written."""

import contextlib
import errno
import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.colours import keeps_srgb, to_srgb
from data_prep.pictures.depth import loaded
from data_prep.pictures.opening import (
    MAX_PIXELS,
    TURNS,
    File,
    opened,
    orientation_of,
    upright_size,
)
from data_prep.pictures.origin import origin_note

_JPEGS = ("JPEG", "MPO")  # the latter holds several
_SHRINKABLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
_AT_ONCE = 1 << 20  # pixels that are brought to RGB, which may take several copies of them


def read_rgb(path: File, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes a photo at its own size, turned upright as its EXIF orientation says.

    Grey becomes three equal channels, values of 9 to 16 bits are scaled to 8 bits (what is white in
    a file of 16 says `data_prep.pictures.depth.white_of`), transparent pixels are composited on
    white, colours of another ICC profile are brought to sRGB, CMYK without one is converted
    plainly, and an animation gives its first frame.

    Args:
        path: a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or, with pillow_heif, HEIC file, whatever its
            suffix, or its bytes.
        max_pixels: the largest width x height that is decoded.

    Returns:
        uint8 [H,W,3], sRGB, writable and contiguous.

    Raises:
        ImageError: the file is missing, empty, truncated, no picture, or too large.
    """
    with opened(path, max_pixels) as image:
        return upright_rgb(image, path)


def read_rgb_within(
    path: File, *, max_side: int, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, tuple[int, int]]:
    """Decodes a photo for computing at a bounded size, without holding a large JPEG in full.

    Args:
        path: as `read_rgb`.
        max_side: the longest side of the result in pixels; smaller photos keep their size.
        max_pixels: as `read_rgb`.

    Returns:
        uint8 [h,w,3] as of `read_rgb` then `fit_within`, and the photo's own (H, W), upright.

    Raises:
        ImageError: as `read_rgb`.
    """
    with opened(path, max_pixels) as image:
        width, height = image.size
        if image.format in _JPEGS:
            scale = min(1.0, max_side / max(width, height))
            # It is then decoded at the smallest of 1, 1/2, 1/4, 1/8 that is no smaller than this.
            # Other formats would give the small picture that a file has besides for the large one.
            image.draft(None, (max(1, round(width * scale)), max(1, round(height * scale))))
        small = loaded(image, path)
        orientation = orientation_of(image)  # which what is made of it has lost
        shrink = max(small.size) // (2 * max_side)
        if shrink > 1 and small.mode in _SHRINKABLE:
            small = small.reduce(shrink)
        rgb = _upright(small, orientation)
        return fit_within(rgb, max_side), upright_size((width, height), orientation)


def upright_rgb(image: Image.Image, name: File = "the picture") -> np.ndarray:
    """Does with a picture, as opened or in memory, what `read_rgb` does.

    At 4 bytes a pixel for what Pillow decodes and 3 for the result.

    Raises:
        ImageError: as `data_prep.pictures.depth.loaded`, naming it so.
    """
    decoded = loaded(image, name)
    return _upright(decoded, orientation_of(image))


def photo_size(path: str | os.PathLike, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Upright (height, width) of a photo, from its header alone.

    Raises:
        ImageError: as `read_rgb`; damage behind the header goes unseen.
    """
    with opened(path, max_pixels) as image:
        return upright_size(image.size, orientation_of(image))


def is_plain_jpeg(path: str | os.PathLike, max_side: int) -> bool:
    """Whether a file's own bytes can be stored: an upright sRGB or grey JPEG within `max_side`.

    Raises:
        ImageError: as `photo_size`.
    """
    with opened(path, MAX_PIXELS) as image:
        plain = image.format == "JPEG" and image.mode in ("RGB", "L") and keeps_srgb(image)
        return plain and orientation_of(image) == 1 and max(image.size) <= max_side


def fit_within(rgb: np.ndarray, max_side: int) -> np.ndarray:
    """Shrinks a picture so that its longest side is at most `max_side`; never enlarges.

    Args:
        rgb: uint8 [H,W,3] or [H,W].
        max_side: in pixels, at least 1.

    Returns:
        The same array where it fits already, else uint8 of the shrunk size, area-averaged, each
        side at least 1 pixel.
    """
    height, width = rgb.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def write_png(
    path: str | os.PathLike,
    pixels: np.ndarray,
    *,
    icc_profile: bytes | None = None,
    made_of: str | None = None,
) -> None:
    """Writes an 8-bit PNG so that `path` never holds part of one, even if the run is killed.

    The folder is made where it is missing. A file of the same name is replaced.

    Args:
        path: the PNG's name; a hidden neighbour is written first and then renamed to it.
        pixels: uint8 [H,W] or [H,W,3] or [H,W,4].
        icc_profile: what the colours mean; None for sRGB.
        made_of: hash of the photo that the picture belongs to, kept in the file; see
            `data_prep.pictures.origin`.

    Raises:
        InputError: the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            note = origin_note(made_of) if made_of else None
            picture = Image.fromarray(pixels)
            picture.save(stream, format="PNG", icc_profile=icc_profile, pnginfo=note)
        partial.replace(path)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        mend = "free some space and run again" if full else "mend its folder and run again"
        raise InputError(f"{path}: cannot be written ({error.strerror}); {mend}") from None
    finally:
        with contextlib.suppress(OSError):  # its folder may be what failed
            partial.unlink()


def encode_png(pixels: np.ndarray) -> bytes:
    """Encodes uint8 [H, W] or RGB [H, W, 3] as PNG, fast rather than small."""
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not encoded:
        raise ValueError(f"cannot encode an array of shape {pixels.shape} as PNG")
    return data.tobytes()


def decode_raw(path: File, *, max_pixels: int) -> Image.Image:
    """Opens and decodes a picture and turns it upright; its mode stays what the file has.

    Raises:
        ImageError: as `read_rgb`.
    """
    with opened(path, max_pixels) as image:
        image.load()
        return _turned(image, orientation_of(image))


def decode_photo(path: File, *, max_pixels: int) -> Image.Image:
    """Does what `decode_raw` does, but brings values of 16 bits to 8 as `read_rgb` does.

    Raises:
        ImageError: as `read_rgb`.
    """
    with opened(path, max_pixels) as image:
        return turned_upright(image, path)


def turned_upright(image: Image.Image, name: File = "the picture") -> Image.Image:
    """A copy of a picture of 8 bits a channel, turned as its EXIF orientation says.

    Raises:
        ImageError: as `data_prep.pictures.depth.loaded`, naming it so.
    """
    decoded = loaded(image, name)
    return _turned(decoded, orientation_of(image))


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image.copy()


def _upright(image: Image.Image, orientation: int) -> np.ndarray:
    """Brings a picture of 8 bits a channel to sRGB, opaque and turned, a band of rows at a time."""
    width, height = image.size
    rgb = np.empty((*upright_size(image.size, orientation), 3), np.uint8)
    rows = max(1, _AT_ONCE // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = flattened(to_srgb(image.crop((0, top, width, bottom))))
        if orientation in TURNS:
            band = band.transpose(TURNS[orientation])
        from_last = orientation in (3, 4, 6, 7)
        place = slice(height - bottom, height - top) if from_last else slice(top, bottom)
        rgb[(slice(None), place) if orientation >= 5 else place] = band
    return rgb


def flattened(image: Image.Image) -> Image.Image:
    """Brings any of Pillow's modes of 8 bits to RGB, transparent pixels on white."""
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(canvas, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
