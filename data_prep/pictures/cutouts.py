"""A photo cut out: its own colours and colour profile, and an opacity."""

import os
from pathlib import Path

import numpy as np

from data_prep.pictures.images import MAX_PIXELS, decode_photo, read_rgb, write_png


def write_cutout(
    photo: str | os.PathLike,
    opacity: np.ndarray,
    path: str | os.PathLike,
    made_of: str | None = None,
) -> None:
    """Writes a photo with an opacity as an RGBA PNG.

    The colours are the file's own, with its ICC profile, of 8 bits a channel; those of a mode that
    PNG has not (CMYK and the like) are brought to sRGB. What is transparent in the photo is no less
    so in the cutout.

    Args:
        photo: a file as of `data_prep.pictures.images.read_rgb`.
        opacity: uint8 [H, W], upright as the photo.
        path: the PNG.
        made_of: as of `write_png`.

    Raises:
        ImageError: as `read_rgb`.
        InputError: as `write_png`.
    """
    image = decode_photo(Path(photo), max_pixels=MAX_PIXELS)
    if image.has_transparency_data:
        pixels = np.array(image.convert("RGBA"))
        pixels[..., 3] = np.minimum(pixels[..., 3], opacity)
    elif image.mode in ("RGB", "P"):
        pixels = np.dstack([np.array(image.convert("RGB")), opacity])
    else:
        write_png(path, np.dstack([read_rgb(photo), opacity]), made_of=made_of)
        return
    # Of grey with opacity the profile speaks of one channel.
    profile = None if image.mode == "LA" else image.info.get("icc_profile")
    write_png(path, pixels, icc_profile=profile, made_of=made_of)
