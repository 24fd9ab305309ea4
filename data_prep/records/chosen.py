"""Records as choices leave them: without photos, and with maps that were redrawn."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.pictures.photos import normal
from data_prep.records.choices import Choices, redrawn_maps
from data_prep.records.corrections import corrected_labels
from data_prep.records.format import (
    IMAGE_FEATURES,
    UNTUNED,
    ImageRecord,
    LabelRecord,
    RecordSet,
    open_labels,
    open_set,
)
from data_prep.records.shard_writer import write_shards


def write_chosen(
    *,
    records: str,
    versions: Mapping[str, str],
    file: Path,
    choices: Choices,
    max_side: int,
    output: str,
) -> None:
    """Writes the training photos and their first labels as choices leave them.

    Args:
        records: the folder of the records that they are taken from.
        versions: the label version of each method that is learned, which keeps its name.
        file: of the choices; the redrawn maps lie beside it.
        choices: what it says.
        max_side: as of the image set.
        output: gets `train/`.

    Raises:
        InputError: naming a photo that there is not or a map that cannot be taken, or where no
            photo is left.
    """
    images = open_set(f"{records}/train/images")
    known = {normal(photo_id): photo_id for photo_id in images.ids}
    left_out = {_known(photo_id, known, file, images) for photo_id in choices.photos}
    count = len(images.ids) - len(left_out)
    if not count:
        raise InputError(f"{file}: leaves out all photos; take some lines out")
    maps: dict[str, dict[str, Path]] = {method: {} for method in versions}
    for method, photo_id, path in redrawn_maps(file, choices):
        photo = _known(photo_id, known, file, images)
        if method in maps and photo not in left_out:
            maps[method][photo] = path
    photos = _kept(_image_records(images), left_out)
    write_shards(stem=f"{output}/train/images", records=photos, count=count)
    for method, version in versions.items():
        labels = open_labels(f"{records}/train/labels/{method}/{version}", images)
        made = _kept(corrected_labels(labels, maps[method], max_side), left_out)
        stem = f"{output}/train/labels/{method}/{version}"
        write_shards(stem=stem, records=made, count=count)


def _known(photo_id: str, known: Mapping[str, str], file: Path, images: RecordSet) -> str:
    """The id of a photo as records spell it."""
    found = known.get(normal(photo_id))
    if found is None:
        raise InputError(
            f"{file}: {photo_id} is no photo of {images.stem}; take its line out, or give the "
            "choices of this folder of photos"
        )
    return found


def _kept(
    records: Iterator[ImageRecord] | Iterator[LabelRecord], left_out: set[str]
) -> Iterator[ImageRecord] | Iterator[LabelRecord]:
    return itertools.filterfalse(lambda record: record.id in left_out, records)


def _image_records(images: RecordSet) -> Iterator[ImageRecord]:
    stored = tf.data.TFRecordDataset(images.shards).with_options(UNTUNED)
    for record in stored.as_numpy_iterator():
        example = tf.io.parse_single_example(record, IMAGE_FEATURES)
        yield ImageRecord(
            example["id"].numpy().decode(),
            example["image"].numpy(),
            int(example["height"]),
            int(example["width"]),
            example["mask"].numpy() or None,
        )
