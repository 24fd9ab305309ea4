"""Maps and truth masks of photos: how one is read, and which mask belongs to which photo."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_prep.base.errors import InputError
from data_prep.pictures.images import MAX_PIXELS, ImageError, decode
from data_prep.pictures.photos import Photo, list_photos

MASK_THRESHOLD = 128


def read_grey(path: str | os.PathLike, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes a map: brightness, 16-bit values scaled to 8 bits, transparent pixels black.

    Returns:
        uint8 [H,W].

    Raises:
        ImageError: as `read_rgb`.
    """
    image, _ = decode(Path(path), max_pixels=max_pixels, max_side=None, background="black")
    return np.array(image.convert("L"))


def read_mask(path: str | os.PathLike, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes a truth mask: brightness of 128 and more is salient; transparent pixels are not.

    Returns:
        uint8 [H,W], 0 or 255.

    Raises:
        ImageError: as `read_rgb`, or the mask is written as 0 and 1 rather than 0 and 255.
    """
    grey = read_grey(path, max_pixels=max_pixels)
    if grey.max() == 1:
        raise ImageError(f"{path}: a mask of 0 and 1; multiply it by 255 (salient is white)")
    return np.where(grey >= MASK_THRESHOLD, np.uint8(255), np.uint8(0))


def check_masks(photos: Sequence[Photo], masks: Path, kind: str = "photo") -> dict[str, Path]:
    """Finds the mask of each photo, or of each of another `kind` of picture: id -> path.

    Raises:
        InputError: naming the first photo without one.
    """
    paths = {mask.id: mask.path for mask in list_photos(masks)}
    for photo in photos:
        if photo.id not in paths:
            raise InputError(f"{masks}: no mask for {kind} {photo.id}; add it or move the {kind}")
    return paths
