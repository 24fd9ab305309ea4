"""Files that changed after records were made of them: corrected maps become a new label version.

`<records>/.hashes.json` keeps what photos, masks and maps were. A version of labels that is there
is never written to again, so that runs which train from it go on as they began.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from data_prep.base.command import tell
from data_prep.base.errors import InputError, damage_named, shortened
from data_prep.base.files import write_text
from data_prep.base.folder_lock import locked_folder
from data_prep.pictures.file_hashes import HASHES, FileHashes
from data_prep.pictures.images import fit_within
from data_prep.pictures.masks import read_grey
from data_prep.pictures.photos import Photo, find_masks, picture_named
from data_prep.records.format import (
    LABEL_FEATURES,
    UNTUNED,
    LabelRecord,
    RecordSet,
    manifest_path,
    open_labels,
    open_set,
)
from data_prep.records.shard_writer import write_shards

FIRST = "round0"  # the version that the maps of the beginning made
_CORRECTIONS = "corrections.json"  # method -> its newest version, where that is another


@dataclass(frozen=True)
class SplitFiles:
    """Where the files lie that the records of a split are made of.

    Attributes:
        photos: folder of photos.
        masks: folder of masks, or None.
        maps: for each method the folders of its maps, `<id>.png`: that of the records and, where
            they were made elsewhere, that one.
    """

    photos: Path
    masks: Path | None
    maps: Mapping[str, tuple[Path, ...]]


def start_hashes(records: Path) -> FileHashes:
    """Forgets what earlier records in a folder were made of; gives an empty store."""
    for name in (HASHES, _CORRECTIONS):
        (records / name).unlink(missing_ok=True)
    return FileHashes(records)


def note_files(hashes: FileHashes, split: str, files: SplitFiles, photos: Sequence[Photo]) -> None:
    """Keeps what the photos of a split, their masks and their maps are now.

    Raises:
        InputError: naming a file that cannot be read.
    """
    for photo in photos:
        hashes.of(f"{split}/photos/{photo.id}{photo.path.suffix}", photo.path)
    if files.masks is not None:
        masks = find_masks(photos, files.masks, "photo")
        for mask in (masks[photo.id] for photo in photos):
            hashes.of(f"{split}/masks/{mask.relative_to(files.masks).as_posix()}", mask)
    note_maps(hashes, split, files, photos)


def note_maps(hashes: FileHashes, split: str, files: SplitFiles, photos: Sequence[Photo]) -> None:
    """Keeps what the maps of the photos of a split are now."""
    for method, folders in files.maps.items():
        for number, folder in enumerate(folders):
            for photo in photos:
                path = picture_named(folder, photo.id)
                hashes.of(f"{split}/maps{number}/{method}/{photo.id}.png", path)


def take_corrections(records: Path, splits: Mapping[str, SplitFiles], max_side: int) -> None:
    """Tells of photos and masks that changed, and takes over maps that did.

    The corrected maps of a method become a new version of its labels, in every split. The map of a
    photo that changed too is not taken: the records hold the photo of then. Hashes are kept only
    with a new version, under the lock: of any number of runs that read the records, one writes.

    Args:
        records: a finished folder; where it keeps no hashes, as older ones, nothing is done.
        splits: where the files of each split lie now.
        max_side: as of the image sets.

    Raises:
        InputError: naming a map that cannot be taken, or where another process is at it.
    """
    if not (records / HASHES).is_file():
        return
    hashes = FileHashes(records)
    _tell(records, hashes, splits)
    if _corrected(hashes, splits):
        with locked_folder(records, "wait for it or choose --records"):
            hashes = FileHashes(records)  # another process may have taken some
            for method, corrected in _corrected(hashes, splits).items():
                _add_version(records, hashes, method, corrected, max_side)
            hashes.save()


def newest_versions(records: Path) -> dict[str, str]:
    """The newest label version of each method whose maps were corrected.

    Raises:
        InputError: the file that says so is damaged.
    """
    path = records / _CORRECTIONS
    if not path.is_file():
        return {}
    with damage_named(path, "delete it to go on with the labels of the beginning"):
        kept = dict(json.loads(path.read_text(encoding="utf-8")))
        return {str(method): str(version) for method, version in kept.items()}


def _id(path: Path | str) -> str:
    return Path(path).with_suffix("").as_posix()


def _there(folder: Path, file: str) -> Path:
    """Where a file lies in its folder; of a PNG the Unicode form of its name may be another now."""
    return picture_named(folder, _id(file)) if file.endswith(".png") else folder / file


def _changed(hashes: FileHashes, name: str, folder: Path) -> list[str]:
    return [
        file
        for file in hashes.names(name)
        if hashes.changed(f"{name}/{file}", _there(folder, file))
    ]


def _tell(records: Path, hashes: FileHashes, splits: Mapping[str, SplitFiles]) -> None:
    told: dict[Path, list[str]] = {}
    for split, files in splits.items():
        for kind, folder in (("photos", files.photos), ("masks", files.masks)):
            if folder is not None:
                told.setdefault(folder, []).extend(_changed(hashes, f"{split}/{kind}", folder))
    for folder, names in told.items():
        if names:
            tell(
                f"{folder}: {shortened(sorted(names))} changed since {records} was made; this run "
                "uses what was there then. To use what is there now, choose another --records and "
                "--workdir"
            )


_Corrected = dict[str, dict[str, tuple[str, Path]]]  # split -> id -> name of the hash, the map


def _corrected(hashes: FileHashes, splits: Mapping[str, SplitFiles]) -> dict[str, _Corrected]:
    """The maps that changed, by method; those of each of its splits, even if none."""
    found: dict[str, _Corrected] = {}
    for split, files in splits.items():
        changed_photos = set(map(_id, _changed(hashes, f"{split}/photos", files.photos)))
        for method, folders in files.maps.items():
            maps = found.setdefault(method, {}).setdefault(split, {})
            for i, folder in reversed(list(enumerate(folders))):  # that of the records comes first
                name = f"{split}/maps{i}/{method}"
                for file in _changed(hashes, name, folder):
                    if _id(file) not in changed_photos:
                        maps[_id(file)] = f"{name}/{file}", _there(folder, file)
    return {method: each for method, each in found.items() if any(each.values())}


def _add_version(
    records: Path, hashes: FileHashes, method: str, corrected: _Corrected, max_side: int
) -> None:
    """Writes the next version of a method's labels: those of now, and of corrected maps these."""
    versions = newest_versions(records)
    before, number = versions.get(method, FIRST), 1
    stems = {split: f"{records}/{split}/labels/{method}" for split in corrected}
    while any(
        tf.io.gfile.exists(manifest_path(f"{stem}/corrected{number}")) for stem in stems.values()
    ):
        number += 1
    for split, maps in corrected.items():
        for name, path in maps.values():
            hashes.of(name, path)  # before it is read: what changes meanwhile is taken next time
        images = open_set(f"{records}/{split}/images")
        labels = open_labels(f"{stems[split]}/{before}", images)
        paths = {photo_id: path for photo_id, (_, path) in maps.items()}
        made = corrected_labels(labels, paths, max_side)
        write_shards(stem=f"{stems[split]}/corrected{number}", records=made, count=len(images.ids))
    versions[method] = f"corrected{number}"
    write_text(str(records / _CORRECTIONS), json.dumps(versions, indent=2) + "\n")
    names = sorted({str(path) for maps in corrected.values() for _, path in maps.values()})
    tell(f"{shortened(names)}: changed since {records} was made; new runs train on {method} so")


def corrected_labels(
    labels: RecordSet, paths: Mapping[str, Path], max_side: int
) -> Iterator[LabelRecord]:
    """Yields the labels of a version, and of photos in `paths`, by id, those maps instead.

    Args:
        labels: the version.
        paths: the map of each photo whose label is another.
        max_side: as of the image sets.

    Raises:
        InputError: naming a map that cannot be read, or is not of its photo's size.
    """
    stored = tf.data.TFRecordDataset(labels.shards).with_options(UNTUNED)
    for record in stored.as_numpy_iterator():
        example = tf.io.parse_single_example(record, LABEL_FEATURES)
        photo_id, label = example["id"].numpy().decode(), example["label"].numpy()
        before = cv2.imdecode(np.frombuffer(label, np.uint8), cv2.IMREAD_GRAYSCALE)
        if photo_id not in paths:
            yield LabelRecord(photo_id, label, float(before.mean()) / 255)
            continue
        path = paths[photo_id]
        saliency = fit_within(read_grey(path), max_side)
        if saliency.shape != before.shape:
            raise InputError(
                f"{path}: is {saliency.shape[1]}x{saliency.shape[0]} as records store it, its "
                f"photo {before.shape[1]}x{before.shape[0]}; give the map the photo's size"
            )
        yield LabelRecord.from_map(photo_id, saliency)
