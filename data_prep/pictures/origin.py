"""Which photo a picture was made of: the photo's hash, kept in the picture's file."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from PIL import Image, PngImagePlugin

from data_prep.base.errors import InputError

_KEY = "photo-sha256"


def photo_hash(path: str | os.PathLike) -> str:
    """Hashes a file's bytes: SHA-256, 64 hexadecimal digits.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check its rights") from None


def origin_note(photo: str) -> PngImagePlugin.PngInfo:
    """What a PNG must hold to be known as made of the photo of that hash."""
    note = PngImagePlugin.PngInfo()
    note.add_text(_KEY, photo)
    return note


def is_of_photo(picture: str | os.PathLike, photo: Callable[[], str]) -> bool:
    """Whether a picture is there and was made of a photo, or does not say of which.

    Args:
        picture: the file.
        photo: gives the photo's hash; called only where the picture says what it was made of.

    Raises:
        InputError: as `photo` does.
    """
    if not Path(picture).exists():
        return False
    origin = read_origin(picture)
    return origin is None or origin == photo()


def read_origin(picture: str | os.PathLike) -> str | None:
    """The hash of the photo that a picture was made of; None where it does not say."""
    try:
        with Image.open(picture, formats=["PNG"]) as image:
            return image.info.get(_KEY)
    except (OSError, SyntaxError, ValueError):
        return None
