"""Photos, handcrafted maps and, to score, truth masks -> one set of TFRecord shards.

    python -m data_prep.write_records --images=DIR --maps=DIR --output=DIR [--masks=DIR]

writes `output/images-*.tfrecord` and `output/labels/<method>/round0-*.tfrecord`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.counting import counted
from data_prep.base.errors import InputError
from data_prep.methods.names import HELP, METHODS, parse_methods
from data_prep.pictures.images import (
    encode_png,
    fit_within,
    is_plain_jpeg,
    photo_size,
    read_rgb_within,
)
from data_prep.pictures.masks import check_masks, read_grey, read_mask
from data_prep.pictures.origin import photo_hash, read_origin
from data_prep.pictures.photos import Photo, list_photos, picture_named
from data_prep.records.format import ImageRecord, LabelRecord, order_ids
from data_prep.records.shard_writer import write_shards

STORED_SIDE = 1024


@dataclass(frozen=True)
class RecordsSummary:
    """What was written: photos, and the mean saliency of each method in [0, 1]."""

    count: int
    mean_saliency: dict[str, float]


def write_records(
    *,
    photos: Sequence[Photo],
    maps: Mapping[str, Path],
    output: str,
    masks: Path | None = None,
    max_side: int = STORED_SIDE,
    progress: bool = True,
) -> RecordsSummary:
    """Writes the image set and round 0 of each method's labels, in hash order of the ids.

    Args:
        photos: the photos to store; all of them must be readable.
        maps: name of each method -> folder with `<id>.png`, 8-bit maps at the photo's own size.
        output: folder of the set, local or any that TensorFlow's file layer opens.
        masks: folder with `<id>.png` (or any photo suffix), the photo's own size; or None.
        max_side: larger photos, with their maps and masks, are stored at this longest side.
        progress: whether to show how far it is.

    Raises:
        InputError: naming the photo whose map or mask is missing or of another size.
    """
    by_id = {photo.id: photo for photo in photos}
    ordered = [by_id[photo_id] for photo_id in order_ids(by_id)]
    mask_paths = check_masks(ordered, masks) if masks else {}
    _check_maps(ordered, maps)

    def image_records() -> Iterator[ImageRecord]:
        options = {"total": len(ordered), "stage": "records", "shown": progress}
        for photo in counted(ordered, "image records", **options):
            yield image_record(photo, mask_paths.get(photo.id), max_side)

    write_shards(stem=f"{output}/images", records=image_records(), count=len(ordered))
    means = {
        method: write_first_labels(
            photos=ordered,
            maps=folder,
            output=f"{output}/labels/{method}",
            max_side=max_side,
            progress=progress,
        )
        for method, folder in maps.items()
    }
    return RecordsSummary(len(ordered), means)


def write_first_labels(
    *, photos: Sequence[Photo], maps: Path, output: str, max_side: int, progress: bool = True
) -> float:
    """Writes round 0 of one method's labels.

    Args:
        photos: those of the image set, in its order.
        maps: folder with `<id>.png`, as of `write_records`.
        output: folder of the method's labels.
        max_side: as of the image set.
        progress: whether to show how far it is.

    Returns:
        The mean saliency, in [0, 1].

    Raises:
        InputError: naming the photo whose map is damaged or of another size.
    """
    what, options = f"{output.rpartition('/')[2]} labels", {"stage": "records", "shown": progress}
    shown = counted(photos, what, total=len(photos), **options)
    records = (label_record(photo, picture_named(maps, photo.id), max_side) for photo in shown)
    return write_shards(stem=f"{output}/round0", records=records, count=len(photos)).mean_saliency


def image_record(photo: Photo, mask: Path | None, max_side: int) -> ImageRecord:
    """Builds a photo's record; an upright RGB JPEG that fits keeps its own bytes.

    Raises:
        InputError: where the mask is not of the photo's size.
    """
    rgb, own_size = read_rgb_within(photo.path, max_side=max_side)
    encoded = photo.path.read_bytes() if is_plain_jpeg(photo.path, max_side) else encode_png(rgb)
    encoded_mask = None
    if mask is not None:
        truth = read_mask(mask)
        if truth.shape != own_size:
            raise InputError(
                f"{mask}: is {truth.shape[1]}x{truth.shape[0]}, its photo "
                f"{own_size[1]}x{own_size[0]}; resize the mask"
            )
        shrunk = fit_within(truth, max_side)
        encoded_mask = encode_png(np.where(shrunk >= 128, np.uint8(255), np.uint8(0)))
    return ImageRecord(photo.id, encoded, rgb.shape[0], rgb.shape[1], encoded_mask)


def label_record(photo: Photo, path: Path, max_side: int) -> LabelRecord:
    """Builds a photo's label from its map.

    Raises:
        InputError: where the map is not of the photo's size, or says that it was made of another.
    """
    origin = read_origin(path)
    if origin is not None and origin != photo_hash(photo.path):
        raise InputError(
            f"{path}: was made of another photo than {photo.path}; make it again with "
            "data_prep.compute_maps"
        )
    saliency, own_size = read_grey(path), photo_size(photo.path)
    if saliency.shape != own_size:
        raise InputError(
            f"{path}: is {saliency.shape[1]}x{saliency.shape[0]}, its photo "
            f"{own_size[1]}x{own_size[0]}; delete the map and make it again"
        )
    return LabelRecord.from_map(photo.id, fit_within(saliency, max_side))


def _check_maps(photos: Sequence[Photo], maps: Mapping[str, Path]) -> None:
    for photo in photos:
        for folder in maps.values():
            if not picture_named(folder, photo.id).is_file():
                raise InputError(
                    f"{folder}: no map for photo {photo.id}; run data_prep.compute_maps"
                )


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_string("maps", None, "Folder with <method>/<id>.png.", required=True)
    flags.DEFINE_string("masks", None, "Folder of truth masks, to score with.")
    flags.DEFINE_string("output", None, "Folder of the record set.", required=True)
    flags.DEFINE_list("methods", list(METHODS.names), HELP)
    flags.DEFINE_bool("recursive", False, "Take photos in subfolders too.")
    flags.DEFINE_integer("max_side", STORED_SIDE, "Longest stored side in pixels.", lower_bound=1)


def main(_: Sequence[str]) -> None:
    """Writes one record set as the flags say."""
    values = flags.FLAGS
    summary = write_records(
        photos=list_photos(values.images, recursive=values.recursive),
        maps={
            method.name: Path(method.folder or f"{values.maps}/{method.name}")
            for method in parse_methods(values.methods)
        },
        masks=Path(values.masks) if values.masks else None,
        output=values.output,
        max_side=values.max_side,
    )
    print(f"{summary.count} photos written to {values.output}")


if __name__ == "__main__":
    define_flags()
    start(main)
