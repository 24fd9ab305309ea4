"""Pictures of a folder beside their truth masks, each at its own full size."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.base.counting import counted, counter
from data_prep.base.errors import InputError
from data_prep.pictures.images import photo_size
from data_prep.pictures.masks import check_masks, reach_one, read_grey, read_mask
from data_prep.pictures.photos import Photo, list_photos
from data_prep.records.format import RecordSet, open_set
from data_prep.records.shard_writer import write_shards
from data_prep.write_records import image_record
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.scoring.scores import MAP, PLAIN, REFINED
from deepusps_tf.serving.photo_input import enlarge
from deepusps_tf.serving.saliency_model import SaliencyModel


class Pair(NamedTuple):
    """A photo or a map, and its truth mask."""

    id: str
    picture: Path
    mask: Path


def photo_pairs(images: Path, masks: Path, *, recursive: bool = False) -> list[Pair]:
    """Finds the mask of each photo of a folder; masks without a photo are left aside.

    Args:
        images: the folder of photos.
        masks: the folder of masks.
        recursive: whether photos in subfolders are taken too, with masks in subfolders.

    Raises:
        InputError: naming a folder without pictures, a photo without mask, a picture that cannot
            be opened, or one of another size than its mask.
    """
    photos = list_photos(images, recursive=recursive)
    paths = check_masks(photos, masks)
    return _same_size([Pair(photo.id, photo.path, paths[photo.id]) for photo in photos])


def map_pairs(maps: Path, masks: Path) -> list[Pair]:
    """Finds the mask of each map of a folder and the map of each mask.

    Raises:
        InputError: as `photo_pairs`, and naming a mask without map: figures of part of a test set
            would pass for those of all of it.
    """
    found = list_photos(maps)
    paths = check_masks(found, masks, "map")
    missing = sorted(paths.keys() - {each.id for each in found})
    if missing:
        raise InputError(f"{maps}: no map for mask {missing[0]}; make it or move the mask")
    return _same_size([Pair(each.id, each.path, paths[each.id]) for each in found])


def map_outputs(pairs: Sequence[Pair]) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Reads maps and masks.

    Yields:
        ({"map": maps}, masks) of each pair, float32 [1, H, W], the maps in [0, 1].

    Raises:
        InputError: naming a file that is damaged.
    """
    of_one = reach_one(pair.picture for pair in pairs)
    for pair in counted(pairs, "scores", total=len(pairs), unit="map"):
        saliency = read_grey(pair.picture, of_one=of_one)
        yield {MAP: np.float32(saliency)[None] / 255}, _truth(pair)


def photo_outputs(
    pairs: Sequence[Pair], *, model: SaliencyModel, pool: CrfPool | None, queue: int
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Predicts photos as `--mode=predict` does, and brings the maps to the photos' own sizes.

    Args:
        pairs: photos and masks.
        model: predicts.
        pool: refines predictions, at the size that `SaliencyModel.predict_seen` gives them; None:
            do not.
        queue: how many photos are predicted and refined at a time.

    Yields:
        ({"prediction": maps, "prediction + CRF": maps}, masks) of each pair, float32 [1, H, W], the
        second output only with a pool.

    Raises:
        InputError: naming a file that is damaged.
    """
    with counter("scores", total=len(pairs)) as count:
        for start in range(0, len(pairs), queue):
            part = pairs[start : start + queue]
            photos = [model.see(pair.picture) for pair in part]
            outputs = {PLAIN: model.predict_seen(photos)}
            if pool is not None:
                rgbs = [photo.rgb for photo in photos]
                outputs[REFINED] = list(pool.refine_all(zip(rgbs, outputs[PLAIN], strict=True)))
            for place, pair in enumerate(part):
                own_size = photos[place].size
                maps = {name: enlarge(each[place], own_size) for name, each in outputs.items()}
                yield {name: each[None] for name, each in maps.items()}, _truth(pair)
                count(1)


@contextlib.contextmanager
def pair_records(pairs: Sequence[Pair], max_side: int) -> Iterator[RecordSet]:
    """Holds photos and masks in records, as preparation would write them, until it is left.

    Args:
        pairs: photos and masks.
        max_side: larger photos are stored at this longest side.

    Raises:
        InputError: naming a file that is damaged.
    """
    photos = sorted((Photo(pair.id, pair.picture), pair.mask) for pair in pairs)
    with tempfile.TemporaryDirectory() as folder:
        records = (image_record(photo, mask, max_side) for photo, mask in photos)
        shown = counted(records, "photos", total=len(photos))
        write_shards(stem=f"{folder}/images", records=shown, count=len(photos))
        yield open_set(f"{folder}/images")


def _truth(pair: Pair) -> np.ndarray:
    return np.float32(read_mask(pair.mask))[None] / 255


def _same_size(pairs: list[Pair]) -> list[Pair]:
    """Checks the sizes in all files' headers before any is scored."""
    for pair in pairs:
        size, wanted = photo_size(pair.picture), photo_size(pair.mask)
        if size != wanted:
            raise InputError(
                f"{pair.picture}: is {size[1]}x{size[0]}, its mask {pair.mask} "
                f"{wanted[1]}x{wanted[0]}; bring both to one size"
            )
    return pairs
