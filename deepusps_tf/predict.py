"""Masks for a folder of photos, by an exported model."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from data_prep.errors import InputError
from data_prep.images import ImageError, list_photos, read_rgb_within, write_png
from deepusps_tf.crf import CrfSettings, refine
from deepusps_tf.export import exported_versions

MAX_SIDE = 512  # larger photos are predicted at this side: more than the network sees


@dataclasses.dataclass(frozen=True)
class PredictionSummary:
    """What was done: masks written now, masks that were there, and photos left out with why."""

    written: int
    kept: int
    skipped: dict[Path, str]


def predict_masks(
    *, model: Path, images: Path, output: Path, crf: CrfSettings | None
) -> PredictionSummary:
    """Writes `output/<id>.png`, 0 or 255, at each photo's own size. Resumes; keeps what is there.

    Args:
        model: an exported version (`export/1`) or the folder of versions (the latest is taken).
        images: folder of photos.
        output: folder of masks.
        crf: refines each probability map before it is cut at 0.5; None: do not.

    Raises:
        InputError: where the model or the photos cannot be found, or no photo could be read.
    """
    photos = list_photos(images)
    signature = load_signature(model)
    written, kept, skipped = 0, 0, {}
    for photo in tqdm(photos, desc="masks", unit="photo"):
        target = Path(output) / f"{photo.id}.png"
        if target.is_file():
            kept += 1
            continue
        try:
            rgb, (height, width) = read_rgb_within(photo.path, max_side=MAX_SIDE)
        except ImageError as error:
            skipped[photo.path] = str(error)
            continue
        batch = tf.constant(rgb[None], tf.float32)
        probability = signature(image=batch)["probability"].numpy()[0, ..., 0]
        if crf is not None:
            probability = refine(rgb, probability, crf)
        probability = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
        write_png(target, np.where(probability > 0.5, np.uint8(255), np.uint8(0)))
        written += 1
    if skipped and not written + kept:
        raise InputError(next(iter(skipped.values())))
    return PredictionSummary(written, kept, skipped)


def load_signature(model: Path):
    """Loads the `tensor` signature of an exported model.

    Raises:
        InputError: where the folder holds no exported model.
    """
    model = Path(model)
    versions = exported_versions(model)
    if versions:
        model = model / str(versions[-1])
    if not (model / "saved_model.pb").is_file():
        raise InputError(f"{model}: holds no exported model; give <workdir>/export")
    loaded = tf.saved_model.load(str(model))
    if "tensor" not in loaded.signatures:
        raise InputError(f"{model}: has no signature 'tensor'; export it with --mode=export")
    return loaded.signatures["tensor"]
