"""Photos as Python code has them: a path, a file's bytes, a Pillow image or an array of pixels."""

import os

import cv2
import numpy as np
from PIL import Image

from data_prep.pictures.colours import to_srgb
from data_prep.pictures.depth import eight_bits, loaded
from data_prep.pictures.images import (
    MAX_PIXELS,
    decode_photo,
    flattened,
    read_rgb,
    turned_upright,
    upright_rgb,
)

AnyPhoto = str | os.PathLike | bytes | Image.Image | np.ndarray
_ALMOST_ONE = 2  # no photo in 0..255 is so dark, but one in 0..1 may be sharpened beyond 1
_CHANNELS = (1, 3, 4)
_FILES = (str, os.PathLike, bytes, bytearray, memoryview)


def photo_rgb(photo: AnyPhoto) -> np.ndarray:
    """Gives a photo's pixels as a network sees them, which has no use for opacity.

    A path and the bytes of its file give the same, what `--mode=predict` reads.

    Args:
        photo: a path, the bytes of an encoded file, a Pillow image, or an array as of
            `picture_of`.

    Returns:
        uint8 [H, W, 3], sRGB, upright, on white.

    Raises:
        ImageError: a file cannot be read.
        TypeError: it is nothing of these.
        ValueError: an array is no photo.
    """
    if isinstance(photo, _FILES):
        return read_rgb(_as_file(photo))
    return upright_rgb(_as_image(photo))


def photo_rgba(photo: AnyPhoto) -> np.ndarray:
    """Gives a photo's own pixels with the opacity it has.

    Args:
        photo: as of `photo_rgb`.

    Returns:
        uint8 [H, W, 4], sRGB, upright.

    Raises:
        ImageError, TypeError, ValueError: as `photo_rgb`.
    """
    if isinstance(photo, _FILES):
        image = to_srgb(decode_photo(_as_file(photo), max_pixels=MAX_PIXELS))
    else:
        image = to_srgb(turned_upright(_as_image(photo)))
    if image.has_transparency_data:
        return np.array(image.convert("RGBA"))
    return np.array(flattened(image).convert("RGBA"))


def picture_of(pixels: np.ndarray) -> Image.Image:
    """Makes an 8-bit picture of an array of pixels.

    Floats that all lie in 0..1 have 1 for white, others 255: no photo in 0..255 has a brightest
    value of 1. They are rounded to 8 bits, as files have them. Of uint16, what is white says
    `data_prep.pictures.depth.white_of`, as of files.

    Args:
        pixels: uint8, uint16 or float [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], sRGB; the fourth
            channel is the opacity.

    Raises:
        ValueError: for another shape or type, or values that could mean two things.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in _CHANNELS or 0 in pixels.shape:
        raise ValueError(
            "a photo must be an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], not "
            f"{list(pixels.shape)}"
        )
    eight = np.ascontiguousarray(_eight_bits(pixels))
    return Image.fromarray(eight[..., 0] if eight.shape[2] == 1 else eight)


def enlarge(probability: np.ndarray, own_size: tuple[int, int]) -> np.ndarray:
    """Brings a map, float32 [h, w], to a photo's own (H, W)."""
    return cv2.resize(probability, own_size[::-1], interpolation=cv2.INTER_LINEAR)


def _as_file(photo: str | os.PathLike | bytes) -> str | os.PathLike | bytes:
    return photo if isinstance(photo, str | os.PathLike) else bytes(photo)


def _as_image(photo: Image.Image | np.ndarray) -> Image.Image:
    if isinstance(photo, Image.Image):
        # Upright and small is only what is predicted, not the caller's own.
        return loaded(photo, "the picture").copy()
    if hasattr(photo, "__array__"):  # tensors too
        return picture_of(np.asarray(photo))
    raise TypeError(
        "a photo must be a path, the bytes of an image file, a Pillow image or an array of pixels, "
        f"not {type(photo).__name__}"
    )


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Brings the values of a photo to uint8."""
    if pixels.dtype == np.uint8:
        return pixels
    largest, smallest = pixels.max(), pixels.min()
    if pixels.dtype == np.uint16:
        if 0 < largest <= 255:
            raise ValueError(
                f"a photo of uint16 must reach beyond 255, not only {largest}; give 8-bit values "
                "as uint8"
            )
        return eight_bits(pixels, "the photo")
    if pixels.dtype.kind != "f":
        raise ValueError(f"a photo must be of uint8, uint16 or float, not {pixels.dtype}")
    if not (smallest >= 0 and largest <= 255) or 1 < largest < _ALMOST_ONE:
        raise ValueError(
            f"a photo of floats must lie in 0..1 or in 0..255, not in {smallest:g}..{largest:g}"
        )
    scale = 255 if largest <= 1 else 1
    return np.rint(pixels.astype(np.float32) * scale).astype(np.uint8)
