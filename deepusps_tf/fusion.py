"""What the final network trains on: the exchangeable fusion of the methods' labels (paper, 3.3)."""

import dataclasses
from collections.abc import Sequence

from deepusps_tf.config import Config
from deepusps_tf.noise_model import LabelNoise
from deepusps_tf.photo_sets import PhotoSets
from deepusps_tf.pseudo_labels import REFINED_THRESHOLD, handcrafted_threshold
from deepusps_tf.records import RecordSet


@dataclasses.dataclass(frozen=True)
class FusionTask:
    """How labels are learned by the final network.

    Attributes:
        labels: the label versions it learns from.
        threshold: where they are cut; for all, or one each.
        written: the one label version made of all methods' labels, where one is; `labels` is it.
        noise: where the labels are fitted by a model of their noise.
    """

    labels: tuple[RecordSet, ...]
    threshold: float | tuple[float, ...] = REFINED_THRESHOLD
    written: RecordSet | None = None
    noise: LabelNoise | None = None


def fusion_task(config: Config, photos: PhotoSets, labels: Sequence[RecordSet]) -> FusionTask:
    """Makes what `--fusion` says of the methods' labels.

    mean_loss: the mean loss over all label versions (the paper's). direct: the same over the
    handcrafted maps, each cut at its own method's threshold (the paper's ablation). noise_model:
    `deepusps_tf.noise_model`.

    Args:
        config: the settings.
        photos: the photos trained on.
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
    return FusionTask(labels)
