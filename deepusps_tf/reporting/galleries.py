"""Grids of a run's pictures for its report."""

import dataclasses
import itertools
from collections.abc import Sequence

import cv2
import numpy as np

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import chosen_photos, scoring_batches
from deepusps_tf.reporting.final_masks import FoundPhoto
from deepusps_tf.reporting.label_history import LabelHistory, LabelVersion
from deepusps_tf.reporting.photo_errors import JudgedPhoto

PHOTOS = 8  # rows of a gallery
SIDE = 240  # of its pictures, in pixels


@dataclasses.dataclass(frozen=True)
class Gallery:
    """A grid of pictures: a title, what each column shows, and a caption and pictures a row.

    The first column has photos. Pictures are RGB, uint8 [`SIDE`, `SIDE`, 3]. `text` says what to
    look at.
    """

    title: str
    text: str
    columns: list[str]
    rows: list[tuple[str, list[np.ndarray]]]


def judged_gallery(
    title: str,
    text: str,
    judged: Sequence[JudgedPhoto],
    theirs: Sequence[JudgedPhoto] = (),
    name: str | None = None,
) -> Gallery:
    """Shows photos beside their handcrafted maps, the fused outputs and the truth.

    Args:
        title: of the gallery.
        text: of the gallery.
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
    return Gallery(title, text, [*columns, "mask by hand"], rows)


def label_gallery(histories: Sequence[LabelHistory], images: RecordSet, size: int) -> Gallery:
    """Shows how labels of training photos change from the handcrafted maps to the last round.

    Maps are shown as networks learn them, cut at their method's threshold (paper, figure 7).
    """
    versions = [version for history in histories for version in history.versions]
    labels = [version.labels for version in versions]
    batches = scoring_batches(images=images, labels=labels, size=size, batch_size=PHOTOS)
    batch = next(batches.as_numpy_iterator())
    names = [photo_id.decode() for photo_id in batch["id"]]
    return Gallery(
        "Training labels, round by round",
        "What the networks learned: each method's map cut at its threshold, then the labels after "
        "each of its rounds. Labels should come closer to the object; look whether they grow, "
        "shrink or turn into blobs.",
        ["photo", *(version.name for version in versions)],
        _label_rows(batch, versions, names),
    )


def disagreement_gallery(
    *,
    versions: Sequence[tuple[str, LabelVersion]],
    images: RecordSet,
    places: Sequence[int],
    shares: Sequence[float],
    found: Sequence[FoundPhoto],
    size: int,
) -> Gallery:
    """Shows training photos on which the methods' labels disagree, with the final model's masks.

    Args:
        versions: the label sets, with the names of their columns.
        images: the training photos.
        places: of those shown, at least one.
        shares: the overlap of the labels on each.
        found: each as the final model sees it.
        size: side in pixels at which labels are read.
    """
    labels = [version.labels for _, version in versions]
    batch = chosen_photos(images=images, labels=labels, places=places, size=size)
    captions = [
        f"{photo.id}, overlap {share:.0%}" for photo, share in zip(found, shares, strict=True)
    ]
    rows = _label_rows(batch, [version for _, version in versions], captions)
    for (_, cells), photo in zip(rows, found, strict=True):
        cells.append(_picture(photo.mask))
    return Gallery(
        "Photos on which the labels disagree most",
        "Label sets of the training photos and, at the end, the mask of the final model. Where "
        "labels disagree at least one is wrong. Is the final mask right nevertheless? Is it "
        "always the same method that is wrong?",
        ["photo", *(name for name, _ in versions), "final mask"],
        rows,
    )


def _label_rows(batch, versions: Sequence[LabelVersion], captions: Sequence[str]) -> list:
    """A row a photo of a batch: itself, then its labels, those that are maps cut."""
    rows = []
    for caption, photo, maps in zip(captions, batch["image"], batch["labels"], strict=True):
        cells = [photo / 255]
        for version, cell in zip(versions, np.moveaxis(maps, -1, 0), strict=True):
            cells.append(cell > version.threshold if version.is_map else cell)
        rows.append((caption, [_picture(cell) for cell in cells]))
    return rows


def _picture(cell: np.ndarray) -> np.ndarray:
    """Brings a picture in [0, 1], float or bool [H, W] or [H, W, 3], to a gallery's size."""
    pixels = np.rint(np.clip(cell, 0, 1) * 255.0).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    shrinks = max(pixels.shape[:2]) >= SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(pixels, (SIDE, SIDE), interpolation=how)
