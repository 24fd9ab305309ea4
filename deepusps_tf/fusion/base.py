"""What every fusion is: a class that says how the methods' labels make one network (paper, 3.3).

A fusion is one file. It subclasses `Fusion`, or `FusedLabels` where it makes one label of all, says
in class attributes what it needs, and is entered by `@FUSIONS.register(name)` or, in a file of your
own, named by `--fusion=package.module:Name`.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.counting import counted
from data_prep.base.errors import InputError
from data_prep.records.format import LabelRecord, RecordSet, manifest_path, open_labels
from data_prep.records.shard_writer import write_shards
from deepusps_tf.data.batches import photo_batches
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.labels.pseudo_labels import REFINED_THRESHOLD
from deepusps_tf.networks.losses import LabelLoss, mean_of_sets
from deepusps_tf.runs.round_result import labels_stem
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.parts import FUSIONS, ORACLES, chosen_fusion

FUSED_STAGE = "fusion labels"  # of a job: the making of one label set


@dataclasses.dataclass(frozen=True)
class LearnedLabels:
    """What the final network learns.

    Attributes:
        labels: the label sets.
        threshold: where they are cut; for all, or one each.
        written: the one label set that was made for this; `labels` is then it alone.
    """

    labels: tuple[RecordSet, ...]
    threshold: float | tuple[float, ...] = REFINED_THRESHOLD
    written: RecordSet | None = None


class StepEstimates(keras.layers.Layer):
    """What a fusion estimates beside the network, from the steps of its training.

    It becomes a layer of the model that is trained: its weights are committed with the network's,
    so that a stopped training goes on. They are made in `build`, under the training's strategy.
    """

    def __init__(self):
        super().__init__(trainable=False)

    def restart(self) -> None:
        """Forgets what was estimated; called before a training starts anew or is restored."""
        raise NotImplementedError

    def in_step(self, labels, prediction, index):
        """Sees a training step, in its graph, before the update.

        Args:
            labels: float32 [B, S, S, M] in [0, 1].
            prediction: float32 [B, S, S, 1] in [0, 1].
            index: int32 [B], each photo's place in record order, or `DUPLICATE`.

        Returns:
            What the loss is given as `y_true`: the labels, or these and what is estimated.
        """
        raise NotImplementedError


class Fusion:
    """Trains the network on all label sets at once, by the mean of their losses.

    That is the paper's fusion; others override what they do otherwise.

    Args:
        config: the run's settings.

    Attributes:
        refines: whether it learns refined labels; if not, the handcrafted maps as they are, and no
            method's rounds are run.
        compares: whether it compares methods, so that there must be two or more.
    """

    refines = True
    compares = False

    def __init__(self, config: Config):
        self.config = config

    def learned(
        self, images: RecordSet, labels: Sequence[RecordSet], folder: Path
    ) -> LearnedLabels:
        """Says which label sets the network learns. By default all, cut at 0.5.

        Args:
            images: the photos.
            labels: a label set a method, in the order of `--methods`; maps unless `refines`.
            folder: where label sets may be written, nothing else.

        Raises:
            InputError: where labels cannot be used.
        """
        return LearnedLabels(tuple(labels))

    def average(self, losses):
        """Makes one loss an image of those of its label sets: float32 [B, M] -> [B]."""
        return mean_of_sets(losses)

    def make_loss(
        self, loss: Callable, *, beta_squared: float, threshold: keras.Variable
    ) -> keras.losses.Loss:
        """Makes what is minimised. By default `average` of `--loss`.

        Args:
            loss: what `--loss` names; see `deepusps_tf.networks.losses`.
            beta_squared: beta^2.
            threshold: where label sets are cut, float32 [M]; set before each training.

        Returns:
            A loss of y_true, float32 [B, S, S, M] (or what `StepEstimates.in_step` gives), and
            y_pred, float32 [B, S, S, 1]: float32 [B].
        """
        return LabelLoss(loss, beta_squared=beta_squared, threshold=threshold, average=self.average)

    def estimates(self, photos: int, label_sets: int) -> StepEstimates | None:
        """Makes what is estimated beside the network, if anything; it is not built yet."""
        return None

    def callbacks(self, workers: Workers) -> list[keras.callbacks.Callback]:
        """Makes callbacks of one training.

        They run after an epoch's averages are closed and before it is committed;
        `callback.model.step_estimates` is what `estimates` made.

        Args:
            workers: those that train together.
        """
        return []


class FusedLabels(Fusion):
    """Makes one label set of all, writes it once and trains the network on it.

    A subclass says what the fused labels are, in `maps`.
    """

    def maps(self, images: RecordSet, labels: Sequence[RecordSet]) -> Iterator[np.ndarray]:
        """Yields the fused label of each photo, float32 [S, S] in [0, 1], in record order.

        Args:
            images: the photos.
            labels: a label set a method, of the same ids.
        """
        raise NotImplementedError

    def batches(self, images: RecordSet, labels: Sequence[RecordSet]) -> tf.data.Dataset:
        """Batches each photo once, in record order, with all its labels.

        Returns:
            Dataset of {"id": string [B], "index": int32 [B], "image": float32 [B, S, S, 3] in
            0..255, "labels": float32 [B, S, S, M] in [0, 1]}.
        """
        config = self.config
        return photo_batches(
            images=images, labels=labels, size=config.size, batch_size=config.batch_size
        )

    def learned(
        self, images: RecordSet, labels: Sequence[RecordSet], folder: Path
    ) -> LearnedLabels:
        """Opens the fused labels in `folder`, written before or now.

        Raises:
            InputError: where `maps` gives what is no label.
        """
        stem = labels_stem(folder)
        if not tf.io.gfile.exists(manifest_path(stem)):
            count = len(images.ids)
            made = self.maps(images, tuple(labels))
            maps = counted(made, "fused labels", total=count, stage=FUSED_STAGE)
            write_shards(stem=stem, records=self._records(images.ids, maps), count=count)
        written = open_labels(stem, images)
        return LearnedLabels((written,), written=written)

    def _records(self, ids: Sequence[str], maps: Iterator[np.ndarray]) -> Iterator[LabelRecord]:
        """Gives each photo its fused label; there must be as many of them."""
        labels = iter(maps)
        for place, photo_id in enumerate(ids):
            fused = next(labels, None)
            if fused is None:
                raise InputError(
                    f"--fusion={self.config.fusion}: its maps gave {place} labels of {len(ids)} "
                    "photos"
                )
            yield LabelRecord.from_map(photo_id, self._whole(photo_id, fused))
        if next(labels, None) is not None:
            raise InputError(
                f"--fusion={self.config.fusion}: its maps gave more labels than {len(ids)} photos"
            )

    def _whole(self, photo_id: str, fused: np.ndarray) -> np.ndarray:
        """Makes a fused label uint8 [S, S], unless it is none."""
        whole = np.rint(255 * np.asarray(fused))
        side = self.config.size
        if whole.shape != (side, side) or not (whole.min() >= 0 and whole.max() <= 255):
            raise InputError(
                f"--fusion={self.config.fusion}: its label of {photo_id} is not [{side}, {side}] "
                "in 0 to 1"
            )
        return whole.astype(np.uint8)


def make_fusion(config: Config) -> Fusion:
    """Makes what `--oracle`, else `--fusion` names, ready for a run's settings.

    Raises:
        InputError: it cannot be found, is no fusion, or contradicts other settings.
    """
    chosen = chosen_fusion(config)
    if not (isinstance(chosen, type) and issubclass(chosen, Fusion)):
        raise InputError(
            f"--fusion={config.fusion}: not a subclass of deepusps_tf.fusion.base.Fusion"
        )
    if issubclass(chosen, FusedLabels) and chosen.maps is FusedLabels.maps:
        raise InputError(
            f"--fusion={config.fusion}: does not say what its labels are; give it a method "
            "maps(self, images, labels)"
        )
    if chosen.compares and len(config.methods) < 2:
        raise InputError(f"--fusion={config.fusion} compares methods: name two --methods or more")
    if config.refined and not chosen.refines:
        given = "fusion" if config.oracle == "none" else "oracle"
        raw = dict.fromkeys([*_taking_raw_maps(), f"--{given}={getattr(config, given)}"])
        raise InputError(f"--refined contradicts {' and '.join(raw)}: they take no refined labels")
    return chosen(config)


def _taking_raw_maps() -> list[str]:
    """The flags of all fusions and oracles that learn no refined labels."""
    return [
        f"--{flag}={name}"
        for flag, parts in (("fusion", FUSIONS), ("oracle", ORACLES))
        for name in parts.names
        if not parts.find(name).refines
    ]
