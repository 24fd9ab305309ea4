"""One round of training: from labels to a network and, in refinement, to better labels."""

import dataclasses
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from data_prep.base.errors import InputError
from data_prep.records.format import RecordSet, open_labels
from deepusps_tf.data.batches import steps_per_epoch, training_batches
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.fusion.noise_model import LabelNoise, NoiseEstimates, NoiseLikelihood
from deepusps_tf.labels.change import label_change
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.moving_average import MovingAverage
from deepusps_tf.labels.pseudo_labels import LabelSummary, PseudoLabels, write_labels
from deepusps_tf.networks.backbones import BACKBONES
from deepusps_tf.networks.losses import FBetaLoss
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.runs.checkpoints import EpochCommits, save_weights
from deepusps_tf.runs.round_result import (
    RoundResult,
    labels_stem,
    read_result,
    write_result,
)
from deepusps_tf.settings.config import Config
from deepusps_tf.training.tensorboard import EpochLog
from deepusps_tf.training.training_model import TrainingModel


@dataclasses.dataclass(frozen=True)
class Round:
    """What one round trains on and how.

    Attributes:
        name: `rbd/round1` and so on, or `fusion`; also its folder under the workdir.
        number: place in the whole schedule, so that each round shuffles in its own order.
        threshold: where labels are cut into foreground and background; all, or one a label set.
        learning_rate: Adam's, at the first epoch.
        epochs: how many.
    """

    name: str
    number: int
    threshold: float | tuple[float, ...]
    learning_rate: float
    epochs: int


def check_settings(config: Config, strategy: tf.distribute.Strategy) -> None:
    """Finds what training could not start with, before hours of preparation.

    The network is built once for it, which takes seconds.

    Raises:
        InputError: for an unknown backbone, pretrained weights that are missing or do not fit, more
            frozen blocks than there are, or a batch that does not divide by the devices.
    """
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % replicas:
        raise InputError(f"--batch_size={config.batch_size} must divide by {replicas} devices")
    _build_network(config, replicas)


class Trainer:
    """Trains rounds one after another, each from the pretrained weights with a fresh Adam.

    The step is traced once for all of them, which a short round would otherwise spend half its
    time on.

    Args:
        config: the run's settings.
        strategy: where to train.
        beta_squared: beta^2 of the loss.
        collect: whether rounds collect their moving average as the next labels.
        label_sets: how many label versions have a threshold of their own.
        noise: the noise of labels that are fitted by its likelihood, in place of the F-beta loss.
        trimmed: whether the F-beta loss leaves out each photo's worst label versions.

    Raises:
        InputError: where the pretrained weights cannot be used.
    """

    def __init__(
        self,
        config: Config,
        strategy: tf.distribute.Strategy,
        *,
        beta_squared: float,
        collect: bool,
        label_sets: int = 1,
        noise: LabelNoise | None = None,
        trimmed: bool = False,
    ):
        replicas = strategy.num_replicas_in_sync
        self._config = config
        self._strategy = strategy
        self._workers = Workers(strategy)
        self._collect = collect
        with strategy.scope():
            network = _build_network(config, replicas)
            if noise is not None:
                noise.build()
            self._loss = FBetaLoss(
                beta_squared=beta_squared, threshold=[0.5] * label_sets, trimmed=trimmed
            )
            self._model = TrainingModel(network, noise)
            # py_function has no XLA kernel, so never let Keras choose to compile the step.
            self._model.compile(
                optimizer=keras.optimizers.Adam(beta_1=0.9, beta_2=0.999),
                loss=self._loss if noise is None else NoiseLikelihood(),
                jit_compile=False,
            )
            self._model.optimizer.build(self._model.trainable_variables)
        self._model.built = True
        self._pretrained = network.get_weights()

    def train(
        self, spec: Round, images: RecordSet, labels: Sequence[RecordSet], pool: CrfPool | None
    ) -> RoundResult:
        """Trains one round; goes on after the last whole epoch of one that was stopped.

        Args:
            spec: the round.
            images: the photos.
            labels: the label versions to learn, of the same ids.
            pool: refines predictions for the moving average; None averages them as they are.

        Returns:
            The result, with everything it names on disk.

        Raises:
            InputError: for records or commits that cannot be used, and predictions that are not
                finite.
        """
        config, count = self._config, len(images.ids)
        folder = Path(config.workdir) / spec.name
        kept, average = folder / "checkpoints", None
        if self._collect:
            average = MovingAverage(kept, count, config.size, config.mva_momentum, self._workers)
        self._model.sink = PseudoLabels(average, pool, images)
        commits = EpochCommits(kept, average, self._workers)
        self._restart(spec)
        first_epoch = commits.restore(self._model)
        self._workers.agree(first_epoch, f"{folder}: committed epochs")
        batches = training_batches(
            images=images,
            labels=labels,
            size=config.size,
            batch_size=config.batch_size,
            seed=config.seed * 1000 + spec.number,
            first_epoch=first_epoch,
            epochs=spec.epochs,
            mirror=config.mirror,
            worker=self._workers.number,
            workers=self._workers.count,
        )
        if first_epoch < spec.epochs:
            logs = Path(config.workdir) / "logs" / spec.name
            log = EpochLog(logs, self._model.sink, count, pool if self._collect else None)
            seen = [log] if self._workers.is_chief else []
            noise = self._model.noise
            estimates = [NoiseEstimates(self._workers)] if noise is not None else []
            callbacks = [*seen, self._model.sink, *estimates, commits]
            self._fit(batches, spec, first_epoch, callbacks, count)

        def finish() -> RoundResult:
            if self._workers.is_chief:
                return self._finish(spec, images, labels, average, commits.losses)
            return read_result(folder, images)

        return self._workers.chief_first(finish)

    def _finish(
        self,
        spec: Round,
        images: RecordSet,
        labels: Sequence[RecordSet],
        average: MovingAverage | None,
        losses: Sequence[float],
    ) -> RoundResult:
        """Writes what a trained round leaves behind and deletes its commits."""
        folder = Path(self._config.workdir) / spec.name
        written = change = None
        if average is not None:
            written = self._write_labels(spec, average, images)
            change = label_change(
                images=images, before=labels, after=written, size=self._config.size
            )
            logging.info("%s: labels changed by %.4f on average", spec.name, change)
        result = RoundResult(folder, written, tuple(losses), change)
        save_weights(self._model.network, result.weights)
        write_result(result)
        shutil.rmtree(folder / "checkpoints")
        return result

    def _restart(self, spec: Round) -> None:
        """Puts the pretrained weights back and forgets all of Adam's state."""
        with self._strategy.scope():
            self._model.network.set_weights(self._pretrained)
            for variable in self._model.optimizer.variables:
                variable.assign(keras.ops.zeros_like(variable))
            self._model.optimizer.learning_rate = spec.learning_rate
            thresholds = np.broadcast_to(spec.threshold, self._loss.threshold.shape)
            self._loss.threshold.assign(thresholds)
            if self._model.noise is not None:
                self._model.noise.restart()

    def _fit(
        self, batches: tf.data.Dataset, spec: Round, first_epoch: int, callbacks: list, count: int
    ) -> None:
        def rate(epoch: int, _: float) -> float:
            power = self._config.learning_rate_power
            return spec.learning_rate * (1 - epoch / spec.epochs) ** power

        replicas = self._strategy.num_replicas_in_sync
        verbose = 1 if sys.stdout.isatty() else 2
        try:
            self._model.fit(
                self._workers.share_out(batches, self._config.batch_size // replicas),
                epochs=spec.epochs,
                initial_epoch=first_epoch,
                steps_per_epoch=steps_per_epoch(count, self._config.batch_size),
                callbacks=[keras.callbacks.LearningRateScheduler(rate), *callbacks],
                shuffle=False,
                verbose=verbose if self._workers.is_chief else 0,
            )
        except tf.errors.OpError:
            if self._model.sink.failure is not None:
                raise self._model.sink.failure from None
            raise

    def _write_labels(self, spec: Round, average: MovingAverage, images: RecordSet) -> RecordSet:
        """Writes the round's last average as labels, says where they collapsed, opens them."""
        stem = labels_stem(Path(self._config.workdir) / spec.name)
        summary = write_labels(average=average, epoch=spec.epochs, images=images, stem=stem)
        self._warn_of_collapse(spec, summary)
        return open_labels(stem, images)

    def _warn_of_collapse(self, spec: Round, summary: LabelSummary) -> None:
        """Says loudly that labels of all background or all foreground will teach nothing."""
        collapsed = summary.empty + summary.full
        if collapsed > self._config.collapse_warning * summary.count:
            logging.warning(
                "%s: THE LABELS COLLAPSED: of %d, %d are all background and %d all foreground. The "
                "next round learns from these. Train longer or with another learning rate, or "
                "leave this method out of --methods.",
                spec.name,
                summary.count,
                summary.empty,
                summary.full,
            )


def _build_network(config: Config, replicas: int) -> keras.Model:
    """Builds the network to train; `--frozen_blocks` of it stay as they are, statistics too."""
    network = build_model(
        backbone=config.backbone,
        size=config.size,
        batchnorm_momentum=config.batchnorm_momentum,
        synchronized=replicas > 1,
        pretrained=None if config.pretrained == "none" else config.pretrained,
        seed=config.seed,
        precision=config.precision,
    )
    frozen, block_number = config.frozen_blocks, BACKBONES[config.backbone].block_number
    numbers = [block_number(layer.name) for layer in network.layers]
    count = len({number for number in numbers if number is not None})
    if frozen and frozen >= count:
        raise InputError(
            f"--frozen_blocks={frozen}: {config.backbone} has {count} blocks, one must be trained"
        )
    for layer, number in zip(network.layers, numbers, strict=True):
        layer.trainable = number is None or number >= frozen
    return network
