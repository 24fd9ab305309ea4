"""Everything before training: photos (or the embedded sample) -> maps -> record sets."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import tensorflow as tf

from data_prep.compute_maps import compute_maps
from data_prep.errors import InputError, damage_named
from data_prep.folder_lock import locked_folder
from data_prep.photos import Photo, list_photos
from data_prep.sample import check_size, write_sample
from data_prep.write_records import check_masks, write_labels, write_records
from deepusps_tf.records import hash_ids, open_set, order_ids, write_text

SOURCE = "source.json"  # written first: maps already made are of these photos
PREPARED = "prepared"  # written last


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
    methods: tuple[str, ...]
    max_side: int


@dataclass(frozen=True)
class _Split:
    name: str
    photos: list[Photo]
    maps: Path
    masks: Path | None


def prepare_records(*, source: Source, records: Path, jobs: int) -> None:
    """Makes `records/train` and, where there are test photos, `records/test`.

    Each step keeps what is done, so a stopped preparation goes on where it was. Finished records
    of the same source are left alone and not locked: any number of runs may read them. Methods that
    they lack are added.

    Args:
        source: the photos and how they are labelled.
        records: local folder; gets maps/, train/ and test/.
        jobs: processes that make maps; 0: one a core.

    Raises:
        InputError: for unusable photos or masks, records of another source, and records
            that another process is making.
    """
    records = Path(records)
    if not (records / PREPARED).is_file() or _further_methods(source, records):
        with locked_folder(records, "wait for it or choose --records"):
            further = _further_methods(source, records)
            # Another process may have finished them before the lock was had.
            if not (records / PREPARED).is_file():
                _prepare(source, records, jobs)
            elif further:
                _add_methods(source, records, further, jobs)
    _tell_of_changed_photos(source, records)


def _further_methods(source: Source, records: Path) -> tuple[str, ...]:
    """The methods of a source that its records were not begun with.

    Raises:
        InputError: where they were begun from another source.
    """
    made = check_source(str(records / SOURCE), _fields(source))
    return tuple(method for method in source.methods if method not in made)


def _prepare(source: Source, records: Path, jobs: int) -> None:
    _check_folders(source)
    listed = json.dumps(_listings(source))
    source = _keep_source(source, records)
    for split in _splits(source, records, jobs):
        write_records(
            photos=split.photos,
            maps=split.maps,
            masks=split.masks,
            output=str(records / split.name),
            methods=source.methods,
            max_side=source.max_side,
        )
    write_text(str(records / PREPARED), listed + "\n")


def _fields(source: Source) -> dict:
    """A source as `SOURCE` holds it."""
    return json.loads(json.dumps(asdict(source)))


def _keep_source(source: Source, records: Path) -> Source:
    """Writes what records are made from: a source, and the methods they have or were begun with."""
    path = records / SOURCE
    made = check_source(str(path), _fields(source))
    source = replace(source, methods=tuple(dict.fromkeys((*made, *source.methods))))
    write_text(str(path), json.dumps(_fields(source), indent=2) + "\n")
    return source


def _add_methods(source: Source, records: Path, methods: Sequence[str], jobs: int) -> None:
    """Labels the photos that finished records hold by further methods; nothing else changes."""
    images, test_images = source.images, source.test_images
    if source.sample_size:
        images, test_images = (records / f"sample/{split}/images" for split in ("train", "test"))
    places = [("train", images, records / "maps/train")]
    if test_images:
        places.append(("test", test_images, records / "maps/test"))
    elif (records / "test").is_dir():
        places.append(("test", images, records / "maps/train"))  # held out
    for split, folder, maps in places:
        photos = {photo.id: photo for photo in _mapped_photos(folder, maps, methods, jobs)}
        stored = open_set(f"{records}/{split}/images").ids
        for photo_id in stored:
            if photo_id not in photos:
                raise InputError(
                    f"{folder}: photo {photo_id} of {records} is gone or has no map; put it back, "
                    "or choose another --records"
                )
        for method in methods:
            write_labels(
                photos=[photos[photo_id] for photo_id in stored],
                maps=maps / method,
                output=f"{records}/{split}/labels/{method}",
                max_side=source.max_side,
            )
    _keep_source(source, records)  # last, so that a stopped addition is made again


def _listings(source: Source) -> dict[str, list]:
    """Counts and hashes the photos' names in each folder that still holds photos."""
    listings = {}
    for folder in filter(None, (source.images, source.test_images)):
        with contextlib.suppress(InputError):
            names = [photo.path.name for photo in list_photos(folder)]
            listings[folder] = [len(names), hash_ids(names)]
    return listings


def _tell_of_changed_photos(source: Source, records: Path) -> None:
    """Says that photos came or went after the records were made, which go on as they are."""
    path = records / PREPARED
    with damage_named(path, "delete it and run the same command again"):
        prepared = dict(json.loads(path.read_text(encoding="utf-8")))
        then = {folder: (prepared[folder][0], prepared[folder][1]) for folder in prepared}
    for folder, (count, names) in _listings(source).items():
        if then.get(folder) != (count, names):
            before = then[folder][0] if folder in then else "none"
            print(
                f"{folder}: its photos changed since {records} was made ({before} then, {count} "
                "now); this run uses those of then. To use those of now, choose another --records "
                "and --workdir"
            )


def _check_folders(source: Source) -> None:
    """Finds missing folders, photos and masks before hours of maps, and before anything is kept."""
    if source.sample_size:
        check_size(source.sample_size)
    pairs = ((source.images, source.masks), (source.test_images, source.test_masks))
    for images, masks in pairs:
        photos = list_photos(images) if images else []
        if masks:
            check_masks(photos, Path(masks))


def check_source(path: str, wanted: dict) -> tuple[str, ...]:
    """Refuses a folder that was begun from another source; other methods of the same are fine.

    Args:
        path: the file `SOURCE` of the folder, local or any that TensorFlow's file layer opens.
        wanted: the fields of this run's source, ready for JSON.

    Returns:
        The methods it was begun with; none where it was not begun.

    Raises:
        InputError: naming the first field that differs.
    """
    if not tf.io.gfile.exists(path):
        return ()
    with (
        tf.io.gfile.GFile(path, "rb") as file,
        damage_named(path, "delete the folder it is in"),
    ):
        made_from = dict(json.loads(file.read()))
        methods = tuple(made_from.get("methods", ()))
    for name, value in wanted.items():
        if name != "methods" and made_from.get(name) != value:
            raise InputError(
                f"{path}: records were made with {name}={made_from.get(name)}, not {value}; "
                "choose another folder or delete the one it is in"
            )
    return methods


def _splits(source: Source, records: Path, jobs: int) -> list[_Split]:
    images, masks = source.images, source.masks
    test_images, test_masks = source.test_images, source.test_masks
    if source.sample_size:
        write_sample(output=records / "sample", size=source.sample_size, seed=source.sample_seed)
        images, masks = records / "sample/train/images", records / "sample/train/masks"
        test_images, test_masks = records / "sample/test/images", records / "sample/test/masks"
    masks = Path(masks) if masks else None
    photos = _mapped_photos(images, records / "maps/train", source.methods, jobs)
    if masks and source.holdout:
        count = max(1, round(source.holdout * len(photos)))
        held_out = set(order_ids(photo.id for photo in photos)[:count])
        test = [photo for photo in photos if photo.id in held_out]
        photos = [photo for photo in photos if photo.id not in held_out]
        if not photos:
            raise InputError(f"--holdout={source.holdout}: leaves no photo to train on")
        maps = records / "maps/train"
        return [_Split("train", photos, maps, masks), _Split("test", test, maps, masks)]
    splits = [_Split("train", photos, records / "maps/train", masks)]
    if test_images:
        test_masks, maps = Path(test_masks), records / "maps/test"
        test = _mapped_photos(test_images, maps, source.methods, jobs)
        splits.append(_Split("test", test, maps, test_masks))
    return splits


def _mapped_photos(
    images: str | Path, maps: Path, methods: Sequence[str], jobs: int
) -> list[Photo]:
    """Makes the maps of a folder of photos and lists the photos that have them."""
    summary = compute_maps(images=images, output=maps, methods=methods, jobs=jobs)
    for path, reason in summary.skipped.items():
        print(f"left out {path}: {reason}")
    photos = [photo for photo in list_photos(images) if photo.path not in summary.skipped]
    if not photos:
        raise InputError(f"{images}: no photo could be used; see the reasons above")
    return photos
