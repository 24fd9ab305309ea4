"""What records were made from, kept beside them: other photos never pass for these."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from data_prep.base.errors import InputError, damage_named
from data_prep.pictures.photos import list_photos
from data_prep.records.format import hash_ids
from data_prep.records.layout import PREPARED


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
    for name, value in wanted.items():
        if name != "methods" and made_from.get(name) != value:
            raise InputError(
                f"{path}: records were made with {name}={made_from.get(name)}, not {value}; "
                "choose another folder or delete the one it is in"
            )
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
    listings = {}
    for folder in filter(None, (source.images, source.test_images)):
        with contextlib.suppress(InputError):
            names = [photo.path.name for photo in list_photos(folder)]
            listings[folder] = [len(names), hash_ids(names)]
    return listings


def tell_of_changed_photos(source: Source, records: Path) -> None:
    """Says that photos came or went after the records were made, which go on as they are."""
    path = records / PREPARED
    with damage_named(path, "delete it and run the same command again"):
        prepared = dict(json.loads(path.read_text(encoding="utf-8")))
        then = {folder: (prepared[folder][0], prepared[folder][1]) for folder in prepared}
    for folder, (count, names) in listings(source).items():
        if then.get(folder) != (count, names):
            before = then[folder][0] if folder in then else "none"
            print(
                f"{folder}: its photos changed since {records} was made ({before} then, {count} "
                "now); this run uses those of then. To use those of now, choose another --records "
                "and --workdir"
            )
