"""Masks, probability maps or cutouts of photos, by an exported model."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.base.counting import counter
from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from data_prep.pictures.cutouts import write_cutout
from data_prep.pictures.images import write_png
from data_prep.pictures.origin import photo_hash, read_origin
from data_prep.pictures.passed_over import PassedOver, told
from data_prep.pictures.photos import Photo
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.serving.photo_input import enlarge
from deepusps_tf.serving.saliency_model import SaliencyModel, SeenPhoto
from deepusps_tf.settings.own_output import MADE_WITH, photos_to_predict
from deepusps_tf.settings.places import names_one_picture

BATCH = 8


@dataclasses.dataclass(frozen=True)
class PredictionSummary:
    """What was done.

    Attributes:
        made: photo -> picture that was written now.
        there: photo -> picture that was there.
        skipped: photo -> why it could not be read.
        passed_over: what of the folder is no photo.
    """

    made: dict[Path, Path]
    there: dict[Path, Path]
    skipped: dict[Path, str]
    passed_over: PassedOver

    @property
    def written(self) -> int:
        """How many pictures were written now."""
        return len(self.made)

    @property
    def kept(self) -> int:
        """How many pictures were there."""
        return len(self.there)

    def files(self, images: Path) -> Iterator[dict[str, str]]:
        """Says of each file of `images`, ready for JSON, its `result` and the picture or why."""
        for result, pictures in (("written", self.made), ("kept", self.there)):
            for photo, picture in pictures.items():
                yield {"file": str(photo), "result": result, "picture": str(picture)}
        for photo, reason in self.skipped.items():
            yield {"file": str(photo), "result": "skipped", "reason": reason}
        for name, reason in self.passed_over.reasons.items():
            yield {"file": str(images / name), "result": "passed over", "reason": told(reason)}


def predict_photos(
    *,
    model: SaliencyModel,
    images: Path,
    output: Path,
    kind: str,
    pool: CrfPool | None,
    recursive: bool = False,
) -> PredictionSummary:
    """Writes `output/<id>.png` at each photo's own size, or `output` itself of one photo.

    Resumes: keeps what the same model and settings made there of the same photos, by their bytes.

    Args:
        model: predicts.
        images: a folder of photos, or one photo.
        output: folder of what is written; of one photo also the .png to write, always anew.
        kind: `mask` (0 or 255, cut at 0.5), `probability` (0 to 255) or `cutout` (the photo in
            RGBA, the probability being its opacity).
        pool: refines each probability map with the CRF before it is used; None: does not.
        recursive: whether photos in subfolders are predicted too, into subfolders of `output`.

    Raises:
        InputError: where the photos cannot be found, or the output folder holds pictures made with
            other settings or of other photos.
    """
    images, output = Path(images), Path(output)
    listing = photos_to_predict(images, output, recursive=recursive)
    photos = listing.photos
    if images.is_file() and names_one_picture(output):
        pictures = {photos[0].path: output}
        _check_replaceable(output)
        missing = photos
    else:
        pictures = {photo.path: output / f"{photo.id}.png" for photo in photos}
        source = str((images.parent if images.is_file() else images).resolve())
        crf = pool and pool.settings
        made_with = {"model": model.fingerprint, "photos": source, "as": kind, "crf": crf}
        _claim(output, pictures.values(), made_with)
        missing = [photo for photo in photos if not _is_made(pictures[photo.path], photo)]
    there = dict(pictures)
    for photo in missing:
        del there[photo.path]
    made: dict[Path, Path] = {}
    skipped: dict[Path, str] = {}
    with counter("pictures", total=len(photos), done=len(there)) as count:
        reader = _read(model, missing, skipped, count)
        while batch := list(itertools.islice(reader, BATCH)):
            for reading, probability in zip(batch, _predict(model, batch, pool), strict=True):
                picture = made[reading.path] = pictures[reading.path]
                write_prediction(
                    picture, probability, kind, photo=reading.path, made_of=reading.made_of
                )
            count(len(batch))
    return PredictionSummary(made, there, skipped, listing.passed_over)


def _check_replaceable(picture: Path) -> None:
    """Refuses to write over a picture that was not predicted."""
    if picture.exists() and read_origin(picture) is None:
        raise InputError(f"{picture}: was made by another program; choose another --output")


def _claim(output: Path, pictures: Iterable[Path], settings: dict) -> None:
    """Notes what a folder's pictures are made with, so that none of another kind is kept there."""
    note = output / MADE_WITH
    text = json.dumps(settings, default=dataclasses.asdict) + "\n"
    if note.is_file() and note.read_bytes() == text.encode():
        return
    strangers = [picture for picture in pictures if picture.exists()]
    if strangers:
        raise InputError(
            f"{strangers[0]}: was made by another model, with other settings, of "
            "another folder's photos or by another program; choose another --output"
        )
    output.mkdir(parents=True, exist_ok=True)
    write_text(str(note), text)


def _is_made(picture: Path, photo: Photo) -> bool:
    """Whether a photo's picture is there and was made of what the photo is now."""
    try:
        return picture.is_file() and read_origin(picture) == photo_hash(photo.path)
    except InputError:
        return False  # what is wrong with the photo is told where it is read


class _Reading(NamedTuple):
    """A photo's file, its hash, and what is predicted of it."""

    path: Path
    made_of: str
    seen: SeenPhoto


def _predict(
    model: SaliencyModel, batch: list[_Reading], pool: CrfPool | None
) -> Iterator[np.ndarray]:
    """Predicts photos, refined where there is a pool: float32 [H, W] of each one's own size."""
    maps = model.predict_seen([reading.seen for reading in batch])
    if pool is not None:
        rgbs = [reading.seen.rgb for reading in batch]
        maps = pool.refine_all(zip(rgbs, maps, strict=True))
    for reading, probability in zip(batch, maps, strict=True):
        yield enlarge(probability, reading.seen.size)


def _read(
    model: SaliencyModel,
    photos: list[Photo],
    skipped: dict[Path, str],
    count: Callable[[int], object],
) -> Iterator[_Reading]:
    """Reads photos; notes of those that cannot be read why, and counts them."""
    for photo in photos:
        try:
            # The hash first, so that what is made of a photo that changes meanwhile is made again.
            made_of = photo_hash(photo.path)
            reading = _Reading(photo.path, made_of, model.see(photo.path))
        except InputError as error:
            skipped[photo.path] = str(error)
            count(1)
        else:
            yield reading


def write_prediction(
    path: Path, probability: np.ndarray, kind: str, *, photo: Path, made_of: str
) -> None:
    """Writes what was predicted of a photo as a PNG.

    Args:
        path: the PNG.
        probability: float32 [H, W] in [0, 1], at the photo's own size.
        kind: as of `predict_photos`.
        photo: the photo's file, whose colours a cutout has.
        made_of: its hash.

    Raises:
        InputError: as `write_png` and `write_cutout`.
    """
    if kind == "mask":
        cut = np.where(probability > 0.5, np.uint8(255), np.uint8(0))
        write_png(path, cut, made_of=made_of)
        return
    opacity = np.rint(255 * probability.clip(0, 1)).astype(np.uint8)
    if kind == "probability":
        write_png(path, opacity, made_of=made_of)
    else:
        write_cutout(photo, opacity, path, made_of)
