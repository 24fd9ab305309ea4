"""How the field's test sets lie on disk after their publishers' archives are unpacked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_prep.base.errors import InputError, shortened
from data_prep.pictures.photos import Photo, list_photos

_EVERYWHERE = (("images", "masks"), ("Image", "Mask"))  # how they are often handed on


@dataclass(frozen=True)
class Layout:
    """One data set.

    Attributes:
        title: its name.
        count: photos it was published with.
        folders: (photos, masks) that may hold it, below the source or below one folder in it; one
            folder twice where JPEG photos and PNG masks lie side by side.
    """

    title: str
    count: int
    folders: tuple[tuple[str, str], ...]


LAYOUTS = {
    "msra_b": Layout("MSRA-B", 5000, (("image", "annotation"), ("Imgs", "Imgs"), (".", "."))),
    "ecssd": Layout("ECSSD", 1000, (("images", "ground_truth_mask"),)),
    "dut_omron": Layout(
        "DUT-OMRON",
        5168,
        (
            ("DUT-OMRON-image", "pixelwiseGT-new-PNG"),
            (
                "DUT-OMRON-image/DUT-OMRON-image",
                "DUT-OMRON-gt-pixelwise.zip/pixelwiseGT-new-PNG",
            ),
        ),
    ),
    "sed2": Layout("SED2", 100, (("Imgs", "Imgs"), (".", "."))),
    "pascal_s": Layout(
        "PASCAL-S", 850, (("imgs/pascal", "masks/pascal"), ("Imgs", "Imgs"), (".", "."))
    ),
}


@dataclass(frozen=True)
class Labelled:
    """A photo and what says where its objects are.

    Attributes:
        id: the photo's file name without suffix.
        photo: its file.
        masks: one, or more that must be put together.
        painted: whether the masks are grey copies of the photo with the objects painted over.
    """

    id: str
    photo: Path
    masks: tuple[Path, ...]
    painted: bool = False


def find_labelled(dataset: str, source: Path) -> list[Labelled]:
    """Finds the photos of a data set and their masks, sorted by id.

    Args:
        dataset: a key of `LAYOUTS`.
        source: what was unpacked, whatever the case of its folders' and files' names.

    Raises:
        InputError: where nothing there is laid out like this data set, or photos and masks do not
            belong together.
    """
    layout = LAYOUTS[dataset]
    if not source.is_dir():
        raise InputError(f"{source}: no such folder; give the one that {layout.title} is in")
    bases = [source, *sorted(path for path in source.iterdir() if path.is_dir())]
    if dataset == "sed2":
        trees = {base: painted for base in bases if (painted := _weizmann_tree(base))}
        if len(trees) > 1:  # its sister SED1 is laid out alike: a hundred photos of one object
            names = shortened([tree.name for tree in trees])
            raise InputError(f"{source}: holds {names}; give the one with two objects a photo")
        if trees:
            return trees.popitem()[1]
    for photos, masks in (*layout.folders, *_EVERYWHERE):
        for base in bases:
            photo_folder, mask_folder = _below(base, photos), _below(base, masks)
            if photo_folder is None or mask_folder is None:
                continue
            if photo_folder == mask_folder:
                found, truths = _side_by_side(photo_folder)
                if not found or not truths:
                    continue
            else:
                found, truths = list_photos(photo_folder), list_photos(mask_folder)
            return _pair(found, truths, mask_folder, several=dataset == "sed2")
    expected = [_in_words(*folders) for folders in (*layout.folders, _EVERYWHERE[0])]
    if dataset == "sed2":
        expected.insert(0, "<id>/src_color/ and <id>/human_seg/")
    raise InputError(
        f"{source}: not laid out as {layout.title}; expected {' or '.join(expected)}, there or one "
        "folder deeper"
    )


def _in_words(photos: str, masks: str) -> str:
    if photos != masks:
        return f"{photos}/ and {masks}/"
    return "JPEG and PNG side by side" + ("" if photos == "." else f" in {photos}/")


def _below(base: Path, name: str) -> Path | None:
    """The folder `name` below another, in any case."""
    for part in Path(name).parts:
        if not base.is_dir():
            return None
        matches = [path for path in sorted(base.iterdir()) if path.name.lower() == part.lower()]
        base = next((path for path in matches if path.is_dir()), None)
        if base is None:
            return None
    return base


def _side_by_side(folder: Path) -> tuple[list[Photo], list[Photo]]:
    """The JPEG photos and the PNG masks of one folder."""
    by_suffix = {".jpg": [], ".jpeg": [], ".png": []}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in by_suffix and not path.name.startswith("."):
            by_suffix[path.suffix.lower()].append(Photo(path.stem, path))
    return by_suffix[".jpg"] + by_suffix[".jpeg"], by_suffix[".png"]


def _pair(
    photos: Iterable[Photo], masks: Iterable[Photo], folder: Path, *, several: bool
) -> list[Labelled]:
    """Gives each photo its mask, or with `several` also those called `<id>_1`, `<id>_2`."""
    owned: dict[str, list[Path]] = {photo.id: [] for photo in photos}
    strays = []
    for mask in masks:
        owner = mask.id
        if several and owner not in owned:
            owner = re.sub(r"[_-]\d$", "", owner)
        if owner in owned:
            owned[owner].append(mask.path)
        else:
            strays.append(mask.path.name)
    missing = [photo_id for photo_id, paths in owned.items() if not paths]
    if missing:
        raise InputError(f"{folder}: no mask for {shortened(missing)}; unpack the masks again")
    if strays:
        raise InputError(f"{folder}: no photo for {shortened(strays)}; unpack the photos again")
    labelled = (Labelled(photo.id, photo.path, tuple(owned[photo.id])) for photo in photos)
    return sorted(labelled, key=lambda each: each.id)


def _weizmann_tree(base: Path) -> list[Labelled]:
    """Weizmann's own tree, `<id>/src_color/<photo>` beside `<id>/human_seg/<person>`."""
    found = []
    for folder in sorted(base.iterdir()) if base.is_dir() else []:
        colour, people = _below(folder, "src_color"), _below(folder, "human_seg")
        if colour is None:
            continue
        if people is None:
            raise InputError(f"{folder}: has no human_seg/; unpack the archive again")
        photos = list_photos(colour)
        if len(photos) > 1:
            raise InputError(f"{colour}: holds {len(photos)} photos; leave the photo alone there")
        masks = tuple(mask.path for mask in list_photos(people))
        found.append(Labelled(folder.name, photos[0].path, masks, painted=True))
    return found
