"""What the final network trains on: the exchangeable fusion of the methods' labels (paper, 3.3)."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from data_prep.records.format import LabelRecord, RecordSet, manifest_path, open_labels
from data_prep.records.shard_writer import write_shards
from deepusps_tf.data.batches import labelled_batches
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.fusion.assessment import least_error, train_assessment
from deepusps_tf.fusion.noise_model import LabelNoise
from deepusps_tf.fusion.oracle import best_maps, truth_maps
from deepusps_tf.fusion.weighted import photo_segments, weighted_average
from deepusps_tf.labels.pseudo_labels import REFINED_THRESHOLD, handcrafted_threshold
from deepusps_tf.runs.round_result import labels_stem
from deepusps_tf.settings.config import Config


@dataclasses.dataclass(frozen=True)
class FusionTask:
    """How labels are learned by the final network.

    Attributes:
        labels: the label versions it learns from.
        threshold: where they are cut; for all, or one each.
        written: the one label version that was made for this; `labels` is then it alone.
        noise: where the labels are fitted by a model of their noise.
        trimmed: whether each photo leaves out the versions it disagrees with most.
    """

    labels: tuple[RecordSet, ...]
    threshold: float | tuple[float, ...] = REFINED_THRESHOLD
    written: RecordSet | None = None
    noise: LabelNoise | None = None
    trimmed: bool = False


def fusion_task(config: Config, photos: PhotoSets, labels: Sequence[RecordSet]) -> FusionTask:
    """Makes what `--fusion` or `--oracle` says of the methods' labels.

    mean_loss: the mean loss over all label versions (the paper's). direct: the same over the
    handcrafted maps, each cut at its own method's threshold (the paper's ablation). trimmed_loss:
    the mean loss without each photo's worst third of the versions. noise_model:
    `deepusps_tf.fusion.noise_model`. weighted, assessment: one label version made of all, by
    `deepusps_tf.fusion.weighted` or `deepusps_tf.fusion.assessment`. It is written once and trained
    on, as is what `deepusps_tf.fusion.oracle` makes.

    Args:
        config: the settings.
        photos: the run's photo sets; those of `train` are trained on.
        labels: a version a method; handcrafted maps for direct, refined labels else.

    Raises:
        InputError: where maps cannot be cut.
    """
    labels = tuple(labels)
    if config.fusion == "direct":
        scale = config.threshold_scale
        return FusionTask(labels, tuple(handcrafted_threshold(part, scale) for part in labels))
    if config.fusion == "noise_model":
        return FusionTask(labels, noise=LabelNoise(len(photos.train.ids), len(labels)))
    make = MAKERS.get(config.fusion) if config.oracle == "none" else ORACLES[config.oracle]
    if make is not None:
        written = _write_once(config, photos.train, lambda: make(config, photos.train, labels))
        return FusionTask((written,), written=written)
    return FusionTask(labels, trimmed=config.fusion == "trimmed_loss")


def _write_once(
    config: Config, images: RecordSet, make: Callable[[], Iterator[np.ndarray]]
) -> RecordSet:
    """Opens the fused labels of a run, written before or now from maps float32 [S, S] in [0, 1]."""
    stem = labels_stem(Path(config.workdir) / "fusion")
    if not tf.io.gfile.exists(manifest_path(stem)):
        logging.info("fusion: making one label version of all methods'")
        count = len(images.ids)
        maps = tqdm(make(), desc="fused labels", total=count)
        records = (
            LabelRecord.from_map(photo_id, np.rint(255 * fused).astype(np.uint8))
            for photo_id, fused in zip(images.ids, maps, strict=True)
        )
        write_shards(stem=stem, records=records, count=count)
    return open_labels(stem, images)


def _weighted_maps(
    config: Config, images: RecordSet, labels: Sequence[RecordSet]
) -> Iterator[np.ndarray]:
    for batch in _batches(config, images, labels):
        for photo, maps in zip(batch["image"].numpy(), batch["labels"].numpy(), strict=True):
            yield weighted_average(maps, photo_segments(np.rint(photo).astype(np.uint8)))


def _assessed_maps(
    config: Config, images: RecordSet, labels: Sequence[RecordSet]
) -> Iterator[np.ndarray]:
    network = train_assessment(
        images=images,
        labels=labels,
        size=config.size,
        batch_size=config.batch_size,
        epochs=config.assessment_epochs,
        seed=config.seed,
    )
    for batch in _batches(config, images, labels):
        yield from least_error(network, batch["image"], batch["labels"])


def _batches(config: Config, images: RecordSet, labels: Sequence[RecordSet]) -> tf.data.Dataset:
    return labelled_batches(
        images=images, labels=labels, size=config.size, batch_size=config.batch_size
    )


# --fusion -> what makes one map a photo of the methods' labels; --oracle -> the same with truth.
MAKERS = {"weighted": _weighted_maps, "assessment": _assessed_maps}
ORACLES = {"truth": truth_maps, "fusion": best_maps}
