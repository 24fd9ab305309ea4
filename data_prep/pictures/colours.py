"""Colours as sRGB, which networks and methods are made for, whatever profile a file has."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

_SAME = 2  # levels of 255 by which a profile may differ from sRGB and count as it
_GRID = tuple(range(0, 256, 51))


def to_srgb(image: Image.Image) -> Image.Image:
    """Converts a picture by its ICC profile; what has none, or a damaged one, counts as sRGB.

    Args:
        image: of any mode of 8 bits; opacity is kept.

    Returns:
        The same picture where nothing is to do, else one of mode RGB or RGBA.
    """
    profile = image.info.get("icc_profile")
    if not profile or image.mode == "1":
        return image
    if image.mode in ("P", "PA", "LA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    opacity = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if opacity is not None else image
    transform = _transform(profile, colours.mode)
    if transform is None:
        return image
    converted = ImageCms.applyTransform(colours, transform)
    if opacity is not None:
        converted.putalpha(opacity)
    return converted


def keeps_srgb(image: Image.Image) -> bool:
    """Whether a picture's own values are sRGB: it has no usable profile, or one as good as that."""
    profile = image.info.get("icc_profile")
    return not profile or _transform(profile, image.mode) is None


@functools.lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What turns values of a profile into sRGB; None where they are sRGB, or nobody can tell."""
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if mode not in ("RGB", "L"):
        return transform
    grid = np.stack(np.meshgrid(_GRID, _GRID, _GRID), axis=-1).reshape(1, -1, 3).astype(np.uint8)
    samples = Image.fromarray(grid if mode == "RGB" else grid[..., 0])
    before = np.asarray(samples.convert("RGB"), np.int16)
    after = np.asarray(ImageCms.applyTransform(samples, transform), np.int16)
    return None if np.abs(after - before).max() <= _SAME else transform
