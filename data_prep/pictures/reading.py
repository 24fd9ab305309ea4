"""A photo as results are made of it: its pixels, and the hash that the results are kept by."""

from typing import NamedTuple

import numpy as np

from data_prep.pictures.images import read_rgb_within
from data_prep.pictures.origin import photo_hash
from data_prep.pictures.photos import Photo


class Reading(NamedTuple):
    """A photo, its hash, its pixels, shrunk where it is large, and its own (H, W)."""

    photo: Photo
    made_of: str
    rgb: np.ndarray
    size: tuple[int, int]


def read_photo(photo: Photo, *, max_side: int) -> Reading:
    """Reads a photo, uint8 [h, w, 3] with sides of at most `max_side`.

    Raises:
        InputError: it cannot be read.
    """
    # First, so that what is made of a photo that changes meanwhile is made again.
    made_of = photo_hash(photo.path)
    return Reading(photo, made_of, *read_rgb_within(photo.path, max_side=max_side))
