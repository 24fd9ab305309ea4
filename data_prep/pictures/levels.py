"""The one channel that a map or a truth mask is, however its file holds it.

Grey of 1, 8, 16 or 32 bits, palettes, colours and opacity are taken where they have one reading.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.pictures.images import decode_raw
from data_prep.pictures.opening import ImageError

_JPEG_TINT = 16  # by how much the channels of a grey JPEG may differ
_TWELVE_BITS = 4095
_SHOWN = 5


@dataclass(frozen=True)
class Levels:
    """How salient each pixel is said to be.

    Attributes:
        values: int or float [H, W], at least 0.
        full: the value of full saliency: 1, 255 or 65535; None where the file does not tell.
    """

    values: np.ndarray
    full: int | None


def read_levels(path: str | os.PathLike, *, max_pixels: int) -> Levels:
    """Reads a map or a mask, upright.

    Args:
        path: as of `data_prep.pictures.images.read_rgb`.
        max_pixels: the largest width x height that is decoded.

    Raises:
        ImageError: as of `read_rgb`, or its colours or values are no map's.
    """
    path = Path(path)
    image = decode_raw(path, max_pixels=max_pixels)
    if image.mode == "1":
        return Levels(np.array(image, np.uint8), 1)
    if image.mode == "F" or image.mode.startswith("I"):
        return _wide(np.array(image), path)
    if image.has_transparency_data:
        return _translucent(np.array(image.convert("RGBA")), path)
    if image.mode == "L":
        return Levels(np.array(image), 255)
    return _opaque(np.array(image.convert("RGB")), path)


def named_values(values: np.ndarray) -> str:
    """Lists the distinct values of an array, the many cut short."""
    distinct = np.unique(values)
    shown = ", ".join(f"{value:g}" for value in distinct[:_SHOWN])
    return shown if distinct.size <= _SHOWN else f"{shown} ... {distinct[-1]:g}"


def _wide(values: np.ndarray, path: Path) -> Levels:
    """Numbers of 16 or 32 bits, or floating-point ones, by the largest of them."""
    if not np.isfinite(values).all() or values.min() < 0:
        raise ImageError(f"{path}: holds values below 0 or not finite; save it as 8-bit grey")
    largest = values.max()
    if values.dtype.kind == "f" and largest <= 1:
        return Levels(values, 1)
    if largest <= 255:
        return Levels(values, 255)
    sixteen = values.dtype.kind != "f" and _TWELVE_BITS < largest <= 65535
    return Levels(values, 65535 if sixteen else None)


def _translucent(rgba: np.ndarray, path: Path) -> Levels:
    """Opacity is the map where the colours say nothing; else colours count where they are seen."""
    opacity = rgba[..., 3]
    if (opacity == 255).all():
        return _opaque(rgba[..., :3], path)
    seen = rgba[opacity > 0, :3]
    if opacity.min() < opacity.max() and (not seen.size or (seen == seen[0]).all()):
        return Levels(opacity, 255)
    on_black = Image.new("RGBA", opacity.shape[::-1], "black")
    flat = Image.alpha_composite(on_black, Image.fromarray(rgba)).convert("RGB")
    return _opaque(np.array(flat), path)


def _opaque(rgb: np.ndarray, path: Path) -> Levels:
    """Grey is itself; of two colours, one of them black, the other is full."""
    if (rgb.max(axis=-1) - rgb.min(axis=-1)).max() <= _JPEG_TINT:
        return Levels(np.array(Image.fromarray(rgb).convert("L")), 255)
    colours = np.unique(rgb.reshape(-1, 3), axis=0)
    if len(colours) == 2 and colours[0].max() <= _JPEG_TINT:
        return Levels((rgb != colours[0]).any(axis=-1).astype(np.uint8), 1)
    shown = ", ".join("#" + bytes(colour).hex() for colour in colours[:_SHOWN])
    more = f" and {len(colours) - _SHOWN} more" if len(colours) > _SHOWN else ""
    raise ImageError(
        f"{path}: holds the colours {shown}{more}, which name no salient one; save it in grey, "
        "what is salient white and the rest black"
    )
