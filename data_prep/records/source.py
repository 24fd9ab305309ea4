"""What records were made from, kept beside them: other photos never pass for these."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from data_prep.base.command import tell
from data_prep.base.errors import InputError, damage_named
from data_prep.base.files import write_text
from data_prep.base.places import moved_notice, place, same_place
from data_prep.pictures.photos import list_photos, normal
from data_prep.records.format import hash_ids
from data_prep.records.layout import PREPARED, SOURCE


@dataclass(frozen=True)
class Source:
    """Where records come from; kept beside them, so that other photos never pass for these."""

    images: str | None
    masks: str | None
    test_images: str | None
    test_masks: str | None
    holdout: float
    sample_size: int
    sample_seed: int | None
    methods: tuple[str, ...]  # entries of --methods
    max_side: int
    recursive: bool = False


_FOLDERS = frozenset({"images", "masks", "test_images", "test_masks"})
_WITHIN = "relative_to"  # the folder that relative paths start from


def write_source(fields: dict, path: str) -> None:
    """Keeps the fields of a source at a path; those of sources before a field came stay as is."""
    kept = {name: value for name, value in fields.items() if (name, value) != ("recursive", False)}
    folders = [fields.get(name) for name in _FOLDERS]
    if any(folder and "://" not in folder and folder[0] not in "/~" for folder in folders):
        kept[_WITHIN] = str(Path.cwd())
    write_text(path, json.dumps(kept, indent=2) + "\n")


def read_source(path: Path) -> Source:
    """Reads what finished records were made from, with folders as they are found from anywhere.

    Raises:
        InputError: the file is damaged.
    """
    with damage_named(path, "delete the folder it is in"):
        fields = dict(json.loads(path.read_text(encoding="utf-8")))
        within = str(fields.pop(_WITHIN, ""))
        folders = {name: place(fields[name], within) for name in _FOLDERS if fields.get(name)}
        return Source(**{**fields, **folders, "methods": tuple(map(str, fields["methods"]))})


def check_source(path: str, wanted: dict) -> tuple[str, ...]:
    """Refuses a folder that was begun from another source; other methods of the same are fine.

    Args:
        path: the file `SOURCE` of the folder, local or any that TensorFlow's file layer opens.
        wanted: the fields of this run's source, ready for JSON.

    Returns:
        The entries of the methods it was begun with; none where it was not begun.

    Raises:
        InputError: naming the first field that differs, or a method whose maps are others.
    """
    if not tf.io.gfile.exists(path):
        return ()
    with (
        tf.io.gfile.GFile(path, "rb") as file,
        damage_named(path, "delete the folder it is in"),
    ):
        made_from = dict(json.loads(file.read()))
        methods = tuple(map(str, made_from.get("methods", ())))
        within = str(made_from.get(_WITHIN, ""))
    for name, value in wanted.items():
        before = made_from.get(name, False if name == "recursive" else None)
        if name in _FOLDERS and same_place(before, value, within=within):
            continue
        if name != "methods" and before != value:
            mend = "choose another folder or delete the one it is in"
            if name in _FOLDERS and before:
                prepared = Path(path).with_name(PREPARED)
                walks = bool(wanted.get("recursive"))
                mend = moved(before, value, prepared, within=within, recursive=walks) or mend
            raise InputError(f"{path}: records were made with {name}={before}, not {value}; {mend}")
    made = dict(map(_named, methods))
    for name, entry in map(_named, wanted.get("methods", ())):
        if made.get(name, entry) != entry:
            raise InputError(
                f"{path}: the maps of {name} are those of {made[name]}, not of {entry}; write "
                "another name before the =, or choose another folder"
            )
    return methods


def _named(entry: str) -> tuple[str, str]:
    """An entry of `SOURCE` with the name that it stands under."""
    return entry.partition("=")[0], entry


def listings(source: Source) -> dict[str, list]:
    """Counts and hashes the photos' names in each folder that still holds photos."""
    listed = {}
    for folder in filter(None, (source.images, source.test_images)):
        with contextlib.suppress(InputError):
            listed[folder] = _listing(folder, source.recursive)[:2]
    return listed


def _listing(folder: str, recursive: bool) -> list:
    """The count of a folder's photos, the hash of their names, and of the names as spelled there.

    Raises:
        InputError: as `list_photos`.
    """
    photos = list_photos(folder, recursive=recursive)
    names = {photo.id: photo.path.relative_to(folder).as_posix() for photo in photos}
    compared = [normal(names[photo_id]) for photo_id in sorted(names, key=normal)]
    return [len(names), hash_ids(compared), hash_ids(names.values())]


def tell_of_changed_photos(source: Source, records: Path) -> None:
    """Says that photos came or went after the records were made, which go on as they are."""
    then = _prepared(records / PREPARED)
    with damage_named(records / SOURCE, "delete the folder it is in"):
        made_from = json.loads((records / SOURCE).read_text(encoding="utf-8"))
        within = str(made_from.get(_WITHIN, ""))
    for folder in listings(source):
        count, *hashes = _listing(folder, source.recursive)
        before = _of_folder(then, folder, within)
        if before is None or before[0] != count or before[1] not in hashes:
            tell(
                f"{folder}: its photos changed since {records} was made "
                f"({before[0] if before else 'none'} then, {count} now); this run uses those of "
                "then. To use those of now, choose another --records and --workdir"
            )


def moved(
    old: str, new: str | None, prepared: Path, *, within: str = "", recursive: bool = False
) -> str:
    """What to do where the photos or masks of records were moved; empty where they were not.

    Args:
        old: their folder when the records were made.
        new: the folder given now.
        prepared: the file `PREPARED` of the records, which knows the names of photos.
        within: the folder that `old` was given in.
        recursive: whether photos are in subfolders too.
    """
    link = moved_notice(old, new, within=within)
    if not link:
        return ""
    then = _of_folder(_prepared(prepared), old, within) if prepared.is_file() else None
    if then is None:
        return f"{old} is gone; if it was moved to {new}, {link} lets the old path go on"
    with contextlib.suppress(InputError):
        count, *hashes = _listing(new, recursive)
        if then[0] == count and then[1] in hashes:
            return (
                f"{old} is gone and {new} holds photos of the same names; if they were moved "
                f"there, {link} lets the old path go on"
            )
    return ""


def _prepared(path: Path) -> dict[str, tuple[int, str]]:
    with damage_named(path, "delete it and run the same command again"):
        prepared = dict(json.loads(path.read_text(encoding="utf-8")))
        return {folder: (prepared[folder][0], prepared[folder][1]) for folder in prepared}


def _of_folder(
    listed: dict[str, tuple[int, str]], folder: str, within: str
) -> tuple[int, str] | None:
    """What was listed of a folder, by whatever spelling."""
    return next((listed[each] for each in listed if same_place(each, folder, within=within)), None)
