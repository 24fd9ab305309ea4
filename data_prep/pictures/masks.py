"""Maps and truth masks of photos: how one is read, and which mask belongs to which photo."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from data_prep.base.errors import InputError
from data_prep.pictures.levels import Levels, named_values, read_levels
from data_prep.pictures.opening import MAX_PIXELS, ImageError
from data_prep.pictures.photos import Photo, find_masks

MASK_THRESHOLD = 128
_OUTLINE = 7  # pixels; what no square of this side fits into is an outline


def read_grey(
    path: str | os.PathLike, *, of_one: bool = False, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Reads a saliency map in any encoding that has one reading.

    Values of 16 and 32 bits up to 255 are those of 8 bits, larger ones of 16 bits are scaled to 8,
    and floating-point values up to 1 have 1 for full. A picture of one colour and opacity has its
    map there; other transparent pixels are black.

    Args:
        path: the file.
        of_one: whether whole numbers too have 1 for full; see `reach_one`.
        max_pixels: the largest width x height that is decoded.

    Returns:
        uint8 [H,W].

    Raises:
        ImageError: as `read_rgb`, or the file could be read as several maps.
    """
    levels = read_levels(path, max_pixels=max_pixels)
    values, full = levels.values, levels.full
    if full is None:
        raise ImageError(
            f"{path}: its values reach {values.max():g}, the largest neither of 8 nor of 16 bits; "
            "save it as 8-bit grey"
        )
    if full == 65535:
        return (values // 257).astype(np.uint8)
    if of_one and values.max() <= 1:
        full = 1
    return np.rint(values * (255 / full)).astype(np.uint8)


def reach_one(paths: Iterable[str | os.PathLike]) -> bool:
    """Whether a set of maps is stored as 0 and 1: no value is larger, and some are 1.

    One map alone cannot tell: it may be that dark.

    Raises:
        ImageError: as `read_grey`.
    """
    some = False
    for path in paths:
        levels = read_levels(path, max_pixels=MAX_PIXELS)
        if levels.values.max() > 1:
            return False
        some = some or bool(levels.full != 1 and levels.values.any())
    return some


def read_mask(path: str | os.PathLike, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Reads a truth mask in any encoding that has one reading.

    Of two values the larger is salient, whatever they are. Of more, as of soft edges, those from
    half of the range on (128 of 255) are.

    Returns:
        uint8 [H,W], 0 or 255.

    Raises:
        ImageError: as `read_rgb`, or the values could be classes.
    """
    levels = read_levels(path, max_pixels=max_pixels)
    distinct = np.unique(levels.values)
    if distinct.size == 2:
        salient = levels.values == distinct[1]
    else:
        salient = _upper_half(levels, path)
        if distinct.size > 2 and _only_outlines(levels.values, salient):
            raise _many_readings(levels.values, path)
    return np.where(salient, np.uint8(255), np.uint8(0))


def _upper_half(levels: Levels, path: str | os.PathLike) -> np.ndarray:
    """What lies in the upper half of the range; there must be some, or nothing above 0."""
    values, full = levels.values, levels.full
    if full is None:
        raise _many_readings(values, path)
    if full == 65535:
        values, full = values // 257, 255
    salient = values >= (MASK_THRESHOLD if full == 255 else full / 2)
    if values.max() > 0 and not salient.any():
        raise _many_readings(levels.values, path)
    return salient


def _only_outlines(values: np.ndarray, salient: np.ndarray) -> bool:
    """Whether full values are thin lines around areas of other values, as around classes."""
    square = np.ones((_OUTLINE, _OUTLINE), np.uint8)

    def solid(area: np.ndarray) -> bool:
        return bool(cv2.erode(area.astype(np.uint8), square, borderValue=0).any())

    between = np.unique(values[~salient & (values > 0)])
    return not solid(salient) and any(solid(values == value) for value in between)


def _many_readings(values: np.ndarray, path: str | os.PathLike) -> ImageError:
    return ImageError(
        f"{path}: its values {named_values(values)} could be classes; save a mask of 255 for what "
        "is salient and 0 for the rest"
    )


def check_masks(photos: Sequence[Photo], masks: Path, kind: str = "photo") -> dict[str, Path]:
    """Finds the mask of each photo, or of each of another `kind` of picture: id -> path.

    Raises:
        InputError: as `find_masks`, and naming the first mask that cannot be read before one with
            something salient is, and the folder where none has.
    """
    paths = find_masks(photos, masks, kind)
    if photos and not any(read_mask(paths[photo.id]).any() for photo in photos):
        raise empty_masks(masks)
    return paths


def empty_masks(masks: str | os.PathLike) -> InputError:
    """What is raised of a set of masks in which nothing is salient."""
    return InputError(f"{masks}: nothing is salient in any mask; give masks with white objects")
