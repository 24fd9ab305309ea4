"""The photos to predict: those of a folder without what was predicted into it before."""

import functools
from pathlib import Path

from data_prep.pictures.origin import photo_hash, read_origin
from data_prep.pictures.passed_over import OWN_OUTPUT, PassedOver
from data_prep.pictures.photos import Listing, Photo, list_folder, photo_id

MADE_WITH = ".predicted_with.json"  # in each folder that --mode=predict wrote to


def photos_to_predict(images: Path, output: Path, *, recursive: bool) -> Listing:
    """Lists the photos of a folder, or one photo, without predictions.

    Predictions are `output`, subfolders that were output before, and pictures made of photos that
    lie in the folder too.

    Args:
        images: a folder, or a photo.
        output: where predictions go; may be `images` or lie in it.
        recursive: whether photos in subfolders of `images` are taken too.

    Raises:
        InputError: as `data_prep.pictures.photos.list_folder`.
    """
    if images.is_file():
        return Listing([Photo(images.stem, images)], PassedOver())
    place = output.resolve()

    @functools.cache
    def photos_there() -> frozenset[str]:
        paths = images.rglob("*") if recursive else images.iterdir()
        found = [path for path in paths if path.is_file() and photo_id(path) is not None]
        return frozenset(photo_hash(path) for path in found if read_origin(path) is None)

    def predicted(path: Path) -> str | None:
        if path.is_dir():
            own = path.resolve() == place or (path / MADE_WITH).is_file()
        else:
            origin = read_origin(path) if path.suffix.lower() == ".png" else None
            own = origin is not None and origin in photos_there()
        return OWN_OUTPUT if own else None

    return list_folder(images, recursive=recursive, left_out=predicted)
