"""Grids of a run's pictures for its report, and their data URIs."""

import base64
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.labels.pseudo_labels import gamma
from deepusps_tf.reporting.photo_errors import JudgedPhoto
from deepusps_tf.runs.round_result import JOINT, is_finished, read_result, round_folders
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.places import RUN_FLAGFILE

PHOTOS = 8  # rows of a gallery


@dataclasses.dataclass(frozen=True)
class Gallery:
    """A grid of pictures: a title, what each column shows, and a caption and pictures a row.

    Pictures are RGB, uint8 [160, 160, 3].
    """

    title: str
    columns: list[str]
    rows: list[tuple[str, list[np.ndarray]]]


def judged_gallery(
    title: str,
    judged: Sequence[JudgedPhoto],
    theirs: Sequence[JudgedPhoto] = (),
    name: str | None = None,
) -> Gallery:
    """Shows photos beside their handcrafted maps, the fused outputs and the truth.

    Args:
        title: of the gallery.
        judged: at least one photo; all by the same methods.
        theirs: the same photos as another run judges them, whose last output is shown before the
            truth, as the paper shows a supervised network's; or none.
        name: the other run's.
    """
    rows = []
    for photo, other in itertools.zip_longest(judged, theirs):
        cells = [photo.rgb / 255, *photo.maps.values(), *photo.outputs.values()]
        caption = f"{photo.id}, MAE {100 * photo.error:.1f}"
        if other:
            cells.append(other.final)
            caption += f", of {name} {100 * other.error:.1f}"
        rows.append((caption, [_picture(cell) for cell in (*cells, photo.mask)]))
    columns = ["photo", *(f"{method} map" for method in judged[0].maps), *judged[0].outputs]
    columns += [name] if theirs else []
    return Gallery(title, [*columns, "truth"], rows)


def label_gallery(config: Config, photos: PhotoSets) -> Gallery:
    """Shows how labels of training photos change from the handcrafted maps to the last round.

    Maps are shown as networks learn them, cut at their method's threshold (paper, figure 7). Rounds
    are those of the run that `refined` names, where it names one that is still there.
    """
    images, scale = photos.train, _threshold_scale(config)
    shown, thresholds = {}, {}
    for method in config.method_names:
        maps = photos.handcrafted("train", method)
        threshold = gamma(maps, scale)
        column = f"{method} map, threshold {threshold:.2f}"
        shown[column], thresholds[column] = maps, threshold
        run = Path(config.refined or config.workdir)
        shown |= _finished_labels(run, method, config.rounds, images)
    shown |= _finished_labels(Path(config.workdir), JOINT, config.joint, images)
    labels = list(shown.values())
    batches = scoring_batches(images=images, labels=labels, size=config.size, batch_size=PHOTOS)
    batch = next(batches.as_numpy_iterator())
    rows = []
    for photo_id, photo, maps in zip(batch["id"], batch["image"], batch["labels"], strict=True):
        cells = [photo / 255]
        for column, cell in zip(shown, np.moveaxis(maps, -1, 0), strict=True):
            cells.append(cell > thresholds[column] if column in thresholds else cell)
        rows.append((photo_id.decode(), [_picture(cell) for cell in cells]))
    return Gallery("Training labels, round by round", ["photo", *shown], rows)


def _threshold_scale(config: Config) -> float:
    """What the maps of the rounds that are shown were cut by."""
    refined = Path(config.refined or "") / RUN_FLAGFILE
    if config.refined and refined.is_file():
        return read_flagfile(refined).threshold_scale
    return config.threshold_scale


def _finished_labels(
    run: Path, method: str, rounds: int, images: RecordSet
) -> dict[str, RecordSet]:
    """The labels a method's rounds wrote, up to the first that is not there.

    It was stable before, not refined at all, is not yet, or the run is gone.
    """
    labels = {}
    for number, folder in enumerate(round_folders(run, method, rounds), 1):
        if not is_finished(folder):
            break
        labels[f"{method} {number}"] = read_result(folder, images).labels
    return labels


def _picture(cell: np.ndarray) -> np.ndarray:
    """Brings a picture in [0, 1], float or bool [S, S] or [S, S, 3], to a gallery's size."""
    pixels = np.rint(np.clip(cell, 0, 1) * 255.0).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    return cv2.resize(pixels, (160, 160), interpolation=cv2.INTER_AREA)


def picture_uri(picture: np.ndarray) -> str:
    """Encodes a picture of a gallery as a JPEG data URI."""
    pixels = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
