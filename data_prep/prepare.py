"""Everything before training: photos (or the embedded sample) -> maps -> record sets."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from data_prep.base.folder_lock import locked_folder
from data_prep.compute_maps import compute_maps
from data_prep.methods.names import entries_anywhere, parse_methods
from data_prep.pictures.masks import check_masks
from data_prep.pictures.photos import Photo, list_photos, normal
from data_prep.records.format import open_set, order_ids, stored_pictures
from data_prep.records.layout import PREPARED, SOURCE
from data_prep.records.source import (
    Source,
    check_source,
    listings,
    tell_of_changed_photos,
    write_source,
)
from data_prep.sample.sample import check_size, write_sample
from data_prep.write_records import image_record, write_first_labels, write_records


@dataclass(frozen=True)
class _Place:
    """Where a split's photos, their masks (or None) and their maps lie."""

    images: Path
    masks: Path | None
    maps: Path
    recursive: bool

    def photos(self) -> list[Photo]:
        """Lists the photos."""
        return list_photos(self.images, recursive=self.recursive)


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
    tell_of_changed_photos(source, records)


def _further_methods(source: Source, records: Path) -> list[str]:
    """The methods of a source that finished records lack.

    Raises:
        InputError: where they were begun from another source.
    """
    made = check_source(str(records / SOURCE), _fields(source))
    return [method for method in entries_anywhere(source.methods) if made and method not in made]


def _prepare(source: Source, records: Path, jobs: int) -> None:
    _check_folders(source)
    listed = json.dumps(listings(source))
    write_source(_fields(source), str(records / SOURCE))
    places = _places(source, records)
    for split, photos in _splits(source, places, jobs).items():
        write_records(
            photos=photos,
            maps={
                method.name: places[split].maps / method.name
                for method in parse_methods(source.methods)
            },
            masks=places[split].masks,
            output=str(records / split),
            max_side=source.max_side,
        )
    write_text(str(records / PREPARED), listed + "\n")


def _add_methods(source: Source, records: Path, methods: Sequence[str], jobs: int) -> None:
    """Labels the photos that finished records hold by further methods; nothing else changes."""
    places = _places(source, records)
    stored = {
        split: _stored_photos(f"{records}/{split}/images", place, source.max_side)
        for split, place in places.items()
    }
    for place in dict.fromkeys(places.values()):
        skipped = _make_maps(place, methods, jobs)
        for photo in (photo for photos in stored.values() for photo in photos):
            if photo.path in skipped:
                raise InputError(
                    f"{photo.path}: {records} holds it, but not all of {', '.join(methods)} can "
                    "label it; leave the method out, or choose another --records"
                )
    for split, photos in stored.items():
        for method in parse_methods(methods):
            write_first_labels(
                photos=photos,
                maps=places[split].maps / method.name,
                output=f"{records}/{split}/labels/{method.name}",
                max_side=source.max_side,
            )
    # Last, so that an addition that was stopped is made again.
    fields = _fields(source)
    fields["methods"] = [*check_source(str(records / SOURCE), fields), *methods]
    write_source(fields, str(records / SOURCE))


def _stored_photos(stem: str, place: _Place, max_side: int) -> list[Photo]:
    """Finds the photos of an image set in their folder, in the set's order.

    Raises:
        InputError: naming one that is gone from the folder, or another picture there.
    """
    stored, there = open_set(stem), {normal(photo.id): photo for photo in place.photos()}
    photos = []
    for photo_id, picture in zip(stored.ids, stored_pictures(stored), strict=True):
        mend = "put it back, or choose another --records"
        if normal(photo_id) not in there:
            raise InputError(f"{place.images}: photo {photo_id} of {stem} is gone; {mend}")
        photo = Photo(photo_id, there[normal(photo_id)].path)
        if image_record(photo, None, max_side).image != picture:
            raise InputError(f"{photo.path}: not the photo in {stem}; {mend}")
        photos.append(photo)
    return photos


def _fields(source: Source) -> dict:
    """A source as `SOURCE` holds it."""
    fields = asdict(replace(source, methods=entries_anywhere(source.methods)))
    return json.loads(json.dumps(fields))


def _check_folders(source: Source) -> None:
    """Finds missing folders, photos and masks before hours of maps, and before anything is kept."""
    if source.sample_size:
        check_size(source.sample_size)
    pairs = ((source.images, source.masks), (source.test_images, source.test_masks))
    for images, masks in pairs:
        photos = list_photos(images, recursive=source.recursive) if images else []
        if masks:
            check_masks(photos, Path(masks))


def _places(source: Source, records: Path) -> dict[str, _Place]:
    """Where the photos of each split lie: those held out among the others."""
    if source.sample_size:
        write_sample(output=records / "sample", size=source.sample_size, seed=source.sample_seed)
        sample, maps = records / "sample", records / "maps"
        return {
            split: _Place(sample / split / "images", sample / split / "masks", maps / split, False)
            for split in ("train", "test")
        }
    masks, walks = Path(source.masks) if source.masks else None, source.recursive
    places = {"train": _Place(Path(source.images), masks, records / "maps/train", walks)}
    if source.test_images:
        test = Path(source.test_images), Path(source.test_masks)
        places["test"] = _Place(*test, records / "maps/test", walks)
    elif masks and source.holdout:
        places["test"] = places["train"]
    return places


def _splits(source: Source, places: dict[str, _Place], jobs: int) -> dict[str, list[Photo]]:
    """Makes the maps and gives each split its photos, of those that have them."""
    mapped = {
        place: _mapped_photos(place, source.methods, jobs)
        for place in dict.fromkeys(places.values())
    }
    splits = {split: mapped[place] for split, place in places.items()}
    if len(places) > len(mapped):
        photos = splits["train"]
        count = max(1, round(source.holdout * len(photos)))
        held_out = set(order_ids(photo.id for photo in photos)[:count])
        splits["test"] = [photo for photo in photos if photo.id in held_out]
        splits["train"] = [photo for photo in photos if photo.id not in held_out]
        if not splits["train"]:
            raise InputError(f"--holdout={source.holdout}: leaves no photo to train on")
    return splits


def _mapped_photos(place: _Place, methods: Sequence[str], jobs: int) -> list[Photo]:
    """Makes the maps of a folder of photos and lists the photos that have them."""
    skipped = _make_maps(place, methods, jobs)
    photos = [photo for photo in place.photos() if photo.path not in skipped]
    if not photos:
        raise InputError(f"{place.images}: no photo could be used; see the reasons above")
    return photos


def _make_maps(place: _Place, methods: Sequence[str], jobs: int) -> dict[Path, str]:
    """Makes the maps of a folder of photos; says which photos could not have them, and why."""
    summary = compute_maps(
        images=place.images,
        output=place.maps,
        methods=methods,
        jobs=jobs,
        recursive=place.recursive,
    )
    if summary.passed_over:
        print(f"{place.images}: {summary.passed_over.line}")
    for path, reason in summary.skipped.items():
        print(f"left out {path}: {reason}")
    return summary.skipped
