"""Everything before training: photos (or the embedded sample) -> maps -> record sets."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from data_prep.base.folder_lock import locked_folder
from data_prep.methods.names import Method, entries_anywhere, parse_methods
from data_prep.pictures.file_hashes import HASHES, FileHashes
from data_prep.pictures.masks import check_masks
from data_prep.pictures.photos import Photo, list_photos, normal
from data_prep.records.corrections import note_files, note_maps, start_hashes, take_corrections
from data_prep.records.format import open_set, stored_pictures
from data_prep.records.layout import PREPARED, SOURCE
from data_prep.records.source import (
    Source,
    check_source,
    listings,
    read_source,
    tell_of_changed_photos,
    write_source,
)
from data_prep.sample.sample import check_size, write_sample
from data_prep.splits import Place, files_of, make_maps, places_of, splits_of
from data_prep.write_records import image_record, write_first_labels, write_records


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
    files = files_of(source, records, parse_methods(source.methods))
    take_corrections(records, files, source.max_side)


def take_changes(records: Path) -> None:
    """Takes over what changed of finished records, wherever they say that they were made from.

    Raises:
        InputError: as of `data_prep.records.corrections.take_corrections`.
    """
    if not (records / PREPARED).is_file() or not (records / HASHES).is_file():
        return  # of an older version, or on Beam
    source = read_source(records / SOURCE)
    named = (entry.partition("=") for entry in source.methods)
    # Not parsed: a method that another program registered may be unknown in this one.
    methods = [Method(name, made or name) for name, _, made in named]
    take_corrections(records, files_of(source, records, methods), source.max_side)


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
    _write_sample(source, records)
    places, hashes = places_of(source, records), start_hashes(records)
    methods = parse_methods(source.methods)
    splits, files = splits_of(source, places, jobs), files_of(source, records, methods)
    for split, photos in splits.items():
        note_files(hashes, split, files[split], photos)
        write_records(
            photos=photos,
            maps={method.name: places[split].maps / method.name for method in methods},
            masks=places[split].masks,
            output=str(records / split),
            max_side=source.max_side,
        )
    hashes.save()
    write_text(str(records / PREPARED), listed + "\n")


def _add_methods(source: Source, records: Path, methods: Sequence[str], jobs: int) -> None:
    """Labels the photos that finished records hold by further methods; nothing else changes."""
    _write_sample(source, records)
    places = places_of(source, records)
    stored = {
        split: _stored_photos(f"{records}/{split}/images", place, source.max_side)
        for split, place in places.items()
    }
    for place in dict.fromkeys(places.values()):
        skipped = make_maps(place, methods, jobs)
        for photo in (photo for photos in stored.values() for photo in photos):
            if photo.path in skipped:
                raise InputError(
                    f"{photo.path}: {records} holds it, but not all of {', '.join(methods)} can "
                    "label it; leave the method out, or choose another --records"
                )
    hashes, files = FileHashes(records), files_of(source, records, parse_methods(methods))
    for split, photos in stored.items():
        if (records / HASHES).is_file():  # older records know of no file what it was
            note_maps(hashes, split, files[split], photos)
        for method in parse_methods(methods):
            write_first_labels(
                photos=photos,
                maps=places[split].maps / method.name,
                output=f"{records}/{split}/labels/{method.name}",
                max_side=source.max_side,
            )
    hashes.save()
    # Last, so that an addition that was stopped is made again.
    fields = _fields(source)
    fields["methods"] = [*check_source(str(records / SOURCE), fields), *methods]
    write_source(fields, str(records / SOURCE))


def _stored_photos(stem: str, place: Place, max_side: int) -> list[Photo]:
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


def _write_sample(source: Source, records: Path) -> None:
    if source.sample_size:
        write_sample(output=records / "sample", size=source.sample_size, seed=source.sample_seed)


def _check_folders(source: Source) -> None:
    """Finds missing folders, photos and masks before hours of maps, and before anything is kept."""
    if source.sample_size:
        check_size(source.sample_size)
    pairs = ((source.images, source.masks), (source.test_images, source.test_masks))
    for images, masks in pairs:
        photos = list_photos(images, recursive=source.recursive) if images else []
        if masks:
            check_masks(photos, Path(masks))
