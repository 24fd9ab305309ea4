"""The maps of one photo or of a few: computed or taken from a folder, checked, written.

Free of TensorFlow: the processes of a pool import this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.methods.names import Method, batch_size
from data_prep.pictures.images import write_png
from data_prep.pictures.masks import read_grey
from data_prep.pictures.photos import Photo, picture_named
from data_prep.pictures.reading import Reading, read_photo

_TOLERANCE = 1e-3  # by which rounding may leave 0 to 1
_FAILURES = (ArithmeticError, LookupError, ValueError, np.linalg.LinAlgError, MemoryError)


@dataclass(frozen=True)
class PhotoResult:
    """What came of a photo.

    Attributes:
        photo: the photo.
        wanted: how many maps of it were to be made.
        written: how many of them were written.
        reasons: for each that was not why, in one line.
    """

    photo: Photo
    wanted: int
    written: int
    reasons: tuple[str, ...]


def map_path(output: Path, method: str, photo_id: str) -> Path:
    """Where the map of a photo lies below a folder of maps."""
    return picture_named(output / method, photo_id)


def make_photo_maps(
    photo: Photo, methods: Sequence[Method], output: Path, max_side: int
) -> PhotoResult:
    """Makes and writes the maps of one photo.

    Args:
        photo: the photo.
        methods: the methods whose maps are wanted, of any kind.
        output: folder that gets `<method>/<id>.png`, 8-bit grey at the photo's own size, which
            says what photo it was made of; see `data_prep.pictures.origin`.
        max_side: a larger photo is computed at this longest side in pixels.

    Raises:
        InputError: a map cannot be written, or a method cannot be imported.
    """
    try:
        reading = read_photo(photo, max_side=max_side)
    except InputError as error:
        return _unreadable(photo, len(methods), error)
    reasons = []
    for method in methods:
        if method.folder is not None:
            reasons.append(_take(method, reading, output))
        else:
            reasons.append(_compute(method, reading, output))
    reasons = tuple(filter(None, reasons))
    return PhotoResult(photo, len(methods), len(methods) - len(reasons), reasons)


def make_batch_maps(
    photos: Sequence[Photo], method: Method, output: Path, max_side: int
) -> list[PhotoResult]:
    """Makes and writes the maps of photos by a method that takes them together.

    Where it fails it is tried on each photo alone, to name those that it fails on.

    Args:
        photos: no more than the method takes together.
        method: one marked by `data_prep.methods.names.in_batches`.
        output: as of `make_photo_maps`.
        max_side: as of `make_photo_maps`.

    Raises:
        InputError: as of `make_photo_maps`.
    """
    results, readings = [], []
    for photo in photos:
        try:
            readings.append(read_photo(photo, max_side=max_side))
        except InputError as error:
            results.append(_unreadable(photo, 1, error))
    try:
        maps = _call(method.function, [reading.rgb for reading in readings]) if readings else []
    except _FAILURES:
        reasons = [_compute(method, reading, output) for reading in readings]
    else:
        reasons = [None] * len(readings)
        for reading, saliency in zip(readings, maps, strict=True):
            _write(method, reading, _to_size(saliency, reading.size), output)
    for reading, reason in zip(readings, reasons, strict=True):
        results.append(PhotoResult(reading.photo, 1, int(not reason), (reason,) if reason else ()))
    return results


def _write(method: Method, reading: Reading, saliency: np.ndarray, output: Path) -> None:
    path = map_path(output, method.name, reading.photo.id)
    write_png(path, saliency, made_of=reading.made_of)


def _unreadable(photo: Photo, wanted: int, error: InputError) -> PhotoResult:
    return PhotoResult(photo, wanted, 0, (str(error).removeprefix(f"{photo.path}: "),))


def _compute(method: Method, reading: Reading, output: Path) -> str | None:
    """Computes and writes a map; says why where it cannot be computed."""
    try:
        (saliency,) = _call(method.function, [reading.rgb])
    except _FAILURES as error:
        detail = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return f"{method.name} failed ({detail}); leave the photo out"
    _write(method, reading, _to_size(saliency, reading.size), output)
    return None


def _call(function: Callable, photos: list[np.ndarray]) -> list[np.ndarray]:
    """Calls a method of either kind; checks the maps that it returns."""
    together = batch_size(function) is not None
    maps = list(function(photos)) if together else [function(rgb) for rgb in photos]
    if len(maps) != len(photos):
        raise ValueError(f"{len(maps)} maps of {len(photos)} photos")
    maps = [np.asarray(saliency, np.float32) for saliency in maps]
    for saliency, rgb in zip(maps, photos, strict=True):
        if saliency.shape != rgb.shape[:2] or not np.isfinite(saliency).all():
            raise ValueError("the map is not finite or not of the photo's size")
        if saliency.min() < -_TOLERANCE or saliency.max() > 1 + _TOLERANCE:
            raise ValueError(
                f"the map goes from {saliency.min():g} to {saliency.max():g}, not within 0 to 1"
            )
    return maps


def _take(method: Method, reading: Reading, output: Path) -> str | None:
    """Checks and copies a map that was made elsewhere; says why where it cannot be used."""
    photo, size = reading.photo, reading.size
    path = picture_named(Path(method.folder), photo.id)
    target = map_path(output, method.name, photo.id)
    if not path.is_file():
        return f"{path}: no map of it for {method.name}; put one there"
    try:
        saliency = read_grey(path)
    except InputError as error:
        return str(error)
    if saliency.shape != size:
        return (
            f"{path}: is {saliency.shape[1]}x{saliency.shape[0]}, its photo {size[1]}x{size[0]}; "
            "make the map at the photo's size"
        )
    if not (target.exists() and target.samefile(path)):
        _write(method, reading, saliency, output)
    return None


def _to_size(saliency: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A float32 map in [0,1] as uint8 [H,W], interpolated linearly where the size differs."""
    grey = saliency * 255
    if grey.shape != size:
        resized = Image.fromarray(grey).resize(size[::-1], Image.Resampling.BILINEAR)
        grey = np.asarray(resized)
    return np.round(np.clip(grey, 0, 255)).astype(np.uint8)
