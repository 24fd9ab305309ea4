"""Takes saliency maps made elsewhere, a folder a method, into `OUTPUT/<method>/<id>.png`.

    python -m data_prep.import_maps --images=DIR --maps=DIR --output=DIR [--methods=rbd,hs]

`--maps` holds one folder a method, named by it in any case (`HS/`, `hs/`). A map belongs to the
photo whose id its name is, or is followed by the method's (`0001.png`, `0001_HS.png`).
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from absl import flags

from data_prep.base.command import start
from data_prep.base.errors import InputError, shortened
from data_prep.pictures.images import photo_size, write_png
from data_prep.pictures.masks import reach_one, read_grey
from data_prep.pictures.photos import list_photos, normal


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    Attributes:
        written: number of maps written, over all methods.
        missing: method -> ids of photos for which no map was there.
        strays: method -> names of files that belong to no photo.
    """

    written: int = 0
    missing: dict[str, list[str]] = field(default_factory=dict)
    strays: dict[str, list[str]] = field(default_factory=dict)


def import_maps(
    *,
    images: str | os.PathLike,
    maps: str | os.PathLike,
    output: str | os.PathLike,
    methods: Sequence[str] = (),
) -> ImportSummary:
    """Checks maps against the photos and writes them as 8-bit grey PNGs under the photos' ids.

    All sizes are checked before anything is written.

    Args:
        images: folder of photos, see `data_prep.pictures.photos.list_photos`.
        maps: folder with one folder of maps a method.
        output: folder that gets `<method>/<id>.png`, the method in lower case.
        methods: which of the folders to take, in any case; none means all of them.

    Raises:
        InputError: a folder is missing, no map fits a photo, two files are one photo's map, or a
            map is broken or not of its photo's size.
    """
    photos = {photo.id: photo.path for photo in list_photos(images)}
    sizes = {}
    chosen: list[tuple[str, Path, Path]] = []
    missing: dict[str, list[str]] = {}
    strays: dict[str, list[str]] = {}
    for method, folder in _method_folders(Path(maps), methods).items():
        found, lost = _match(folder, method, photos.keys())
        for photo_id, path in found.items():
            if photo_id not in sizes:
                sizes[photo_id] = photo_size(photos[photo_id])
            _check_size(path, photo_size(path), photos[photo_id], sizes[photo_id])
            chosen.append((method, Path(output) / method / f"{photo_id}.png", path))
        absent = [photo_id for photo_id in photos if photo_id not in found]
        if absent:
            missing[method] = absent
        if lost:
            strays[method] = lost
    for method in dict.fromkeys(method for method, _, _ in chosen):
        maps = [(target, path) for name, target, path in chosen if name == method]
        of_one = reach_one(path for _, path in maps)
        for target, path in maps:
            write_png(target, read_grey(path, of_one=of_one))
    return ImportSummary(written=len(chosen), missing=missing, strays=strays)


def _method_folders(maps: Path, methods: Sequence[str]) -> dict[str, Path]:
    """The wanted folders by method, in lower case."""
    try:
        entries = sorted(maps.iterdir())
    except OSError as error:
        raise InputError(
            f"{maps}: cannot be listed ({error.strerror}); give the folder of the methods' folders"
        ) from None
    folders: dict[str, Path] = {}
    for entry in entries:
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        method = entry.name.lower()
        if method in folders:
            raise InputError(f"{folders[method]} and {entry}: one method twice; rename one")
        folders[method] = entry
    if not folders:
        raise InputError(f"{maps}: holds no folders; put each method's maps into one, such as hs/")
    for method in methods:
        if method.lower() not in folders:
            raise InputError(f"{maps}: has no folder {method!r}; there are {', '.join(folders)}")
    wanted = {method.lower() for method in methods} or set(folders)
    return {method: folder for method, folder in folders.items() if method in wanted}


def _match(folder: Path, method: str, ids: Iterable[str]) -> tuple[dict[str, Path], list[str]]:
    """Maps of a folder by photo id, and the names of files that belong to no photo."""
    by_name = {normal(photo_id): photo_id for photo_id in ids}
    found: dict[str, Path] = {}
    lost = []
    for entry in list_photos(folder):
        photo_id = normal(entry.id)
        if photo_id not in by_name and photo_id.lower().endswith((f"_{method}", f"-{method}")):
            photo_id = photo_id[: -len(method) - 1]
        if photo_id not in by_name:
            lost.append(entry.path.name)
            continue
        photo_id = by_name[photo_id]
        if photo_id in found:
            raise InputError(f"{found[photo_id]} and {entry.path}: two maps of one photo; keep one")
        found[photo_id] = entry.path
    if not found:
        raise InputError(
            f"{folder}: no map is named like a photo; name them by the photos, such as"
            f" {min(by_name.values())}.png"
        )
    return found, lost


def _check_size(path: Path, size: tuple[int, int], photo: Path, wanted: tuple[int, int]) -> None:
    if size != wanted:
        raise InputError(
            f"{path}: is {size[1]} x {size[0]} pixels, its photo {photo} is"
            f" {wanted[1]} x {wanted[0]}; make the map at the photo's size"
        )


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_string("maps", None, "Folder with a folder of maps a method.", required=True)
    flags.DEFINE_string("output", None, "Folder that gets <method>/<id>.png.", required=True)
    flags.DEFINE_list("methods", [], "Which methods, separated by commas; none for all.")


def main(_: Sequence[str]) -> None:
    """Imports maps as the flags say and names those that are missing or too many."""
    values = flags.FLAGS
    summary = import_maps(
        images=values.images, maps=values.maps, output=values.output, methods=values.methods
    )
    for method, names in summary.strays.items():
        print(f"{method}: no photo for {shortened(names)}", file=sys.stderr)
    for method, ids in summary.missing.items():
        print(f"{method}: no map for {shortened(ids)}", file=sys.stderr)
    print(f"{summary.written} maps written", file=sys.stderr)


if __name__ == "__main__":
    define_flags()
    start(main)
