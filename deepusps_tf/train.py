"""One round of training: from labels to a network and, in refinement, to better labels."""

import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from data_prep.errors import InputError
from deepusps_tf.checkpoints import EpochCommits
from deepusps_tf.config import Config
from deepusps_tf.crf_pool import CrfPool
from deepusps_tf.dataset import steps_per_epoch, training_batches
from deepusps_tf.losses import FBetaLoss
from deepusps_tf.model import build_model
from deepusps_tf.moving_average import MovingAverage
from deepusps_tf.pseudo_labels import PseudoLabels, write_labels
from deepusps_tf.records import RecordSet
from deepusps_tf.summaries import EpochScalars

WEIGHTS = "network.weights.h5"
RESULT = "round.json"


@dataclasses.dataclass(frozen=True)
class Round:
    """What one round trains on and how.

    Attributes:
        name: `rbd/round1` and so on, or `fusion`; also its folder under the workdir.
        number: place in the whole schedule, so that each round shuffles in its own order.
        threshold: where labels are cut into foreground and background.
        beta_squared: beta^2 of the loss.
        learning_rate: Adam's, at the first epoch.
        epochs: how many.
        collect: whether to collect the moving average as the next labels.
    """

    name: str
    number: int
    threshold: float
    beta_squared: float
    learning_rate: float
    epochs: int
    collect: bool


@dataclasses.dataclass(frozen=True)
class RoundResult:
    """What a finished round left behind.

    Attributes:
        folder: the round's folder.
        labels: stem of the label version it wrote, or None.
        losses: mean training loss of each epoch.
        seconds: wall time of the last, uninterrupted stretch of training.
    """

    folder: Path
    labels: str | None
    losses: tuple[float, ...]
    seconds: float

    @property
    def weights(self) -> Path:
        """The trained network's weights."""
        return self.folder / WEIGHTS


class TrainingModel(keras.Model):
    """A network whose training step hands its predictions to a sink before the update.

    Args:
        network: photos float32 [B, S, S, 3] -> probabilities float32 [B, S, S, 1].
        sink: takes (index, image, probability) eagerly, or None.
    """

    def __init__(self, network: keras.Model, sink: PseudoLabels | None):
        super().__init__()
        self.network = network
        self.sink = sink

    def call(self, inputs, training=False):
        """Maps {"index", "image"} to probabilities."""
        return self.network(inputs["image"], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Hands a training step's prediction over, then computes the compiled loss."""
        if training and self.sink is not None:
            tf.py_function(self.sink.push, [x["index"], x["image"], y_pred], [])
        return super().compute_loss(x, y, y_pred, sample_weight, training)


def train_round(
    *,
    config: Config,
    spec: Round,
    images: RecordSet,
    labels: Sequence[RecordSet],
    strategy: tf.distribute.Strategy,
    pool: CrfPool | None,
) -> RoundResult:
    """Trains from the pretrained weights; resumes an unfinished round, returns a finished one.

    Args:
        config: the run's settings.
        spec: this round's.
        images: the photos.
        labels: the label versions to learn, of the same ids.
        strategy: where to train.
        pool: refines predictions for the moving average; None averages them as they are.

    Returns:
        The result, with everything it names on disk.

    Raises:
        InputError: for settings, weights or records that cannot be used, and for a loss that is
            not finite.
    """
    folder = Path(config.workdir) / spec.name
    if (folder / RESULT).is_file():
        return read_result(folder)
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % replicas:
        raise InputError(f"--batch_size={config.batch_size} must divide by {replicas} devices")
    average = None
    if spec.collect:
        average = MovingAverage(
            folder / "checkpoints", len(images.ids), config.size, config.mva_momentum
        )
    sink = PseudoLabels(average, pool, images) if spec.collect else None
    commits = EpochCommits(folder / "checkpoints", average)
    model = _build(config, spec, strategy, sink)
    first_epoch = commits.restore(model)
    batches = training_batches(
        images=images,
        labels=labels,
        size=config.size,
        batch_size=config.batch_size,
        seed=config.seed * 1000 + spec.number,
        first_epoch=first_epoch,
        epochs=spec.epochs,
    )
    started = time.monotonic()
    scalars = EpochScalars(Path(config.workdir) / "logs" / spec.name, len(images.ids), pool)
    if first_epoch < spec.epochs:
        _fit(model, batches, config, spec, first_epoch, [scalars, sink, commits], len(images.ids))
    seconds = time.monotonic() - started
    return _publish(folder, model, spec, average, images, commits.losses, seconds)


def _build(
    config: Config, spec: Round, strategy: tf.distribute.Strategy, sink: PseudoLabels | None
) -> TrainingModel:
    with strategy.scope():
        network = build_model(
            backbone=config.backbone,
            size=config.size,
            batchnorm_momentum=config.batchnorm_momentum,
            synchronized=strategy.num_replicas_in_sync > 1,
            pretrained=None if config.pretrained == "none" else config.pretrained,
            seed=config.seed * 1000 + spec.number,
        )
        model = TrainingModel(network, sink)
        optimizer = keras.optimizers.Adam(spec.learning_rate, beta_1=0.9, beta_2=0.999)
        loss = FBetaLoss(beta_squared=spec.beta_squared, threshold=spec.threshold)
        # py_function has no XLA kernel, so never let Keras choose to compile the step.
        model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
        optimizer.build(model.trainable_variables)
        model.built = True
    return model


def _fit(
    model: TrainingModel,
    batches: tf.data.Dataset,
    config: Config,
    spec: Round,
    first_epoch: int,
    callbacks: list,
    count: int,
) -> None:
    def rate(epoch: int, _: float) -> float:
        return spec.learning_rate * (1 - epoch / spec.epochs) ** config.learning_rate_power

    scheduler = keras.callbacks.LearningRateScheduler(rate)
    try:
        model.fit(
            batches,
            epochs=spec.epochs,
            initial_epoch=first_epoch,
            steps_per_epoch=steps_per_epoch(count, config.batch_size),
            callbacks=[scheduler, *(part for part in callbacks if part is not None)],
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except tf.errors.OpError:
        if model.sink is not None and model.sink.failure is not None:
            raise model.sink.failure from None
        raise


def _publish(
    folder: Path,
    model: TrainingModel,
    spec: Round,
    average: MovingAverage | None,
    images: RecordSet,
    losses: list[float],
    seconds: float,
) -> RoundResult:
    """Writes weights and labels, then the result that makes the round count as finished."""
    model.network.save_weights(folder / WEIGHTS)
    stem = str(folder / "labels") if average is not None else None
    if average is not None:
        write_labels(average=average, epoch=spec.epochs, images=images, stem=stem)
    result = RoundResult(folder, stem, tuple(losses), seconds)
    text = json.dumps({"labels": stem is not None, "losses": losses, "seconds": seconds})
    partial = folder / f"{RESULT}.tmp"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / RESULT)
    shutil.rmtree(folder / "checkpoints")
    return result


def read_result(folder: Path) -> RoundResult:
    """Reads the result of a finished round."""
    fields = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    stem = str(folder / "labels") if fields["labels"] else None
    return RoundResult(folder, stem, tuple(fields["losses"]), fields["seconds"])


def load_fusion(config: Config) -> keras.Model:
    """Builds the fused network of a finished run.

    Raises:
        InputError: where the workdir holds no finished run.
    """
    folder = Path(config.workdir) / "fusion"
    if not (folder / RESULT).is_file():
        raise InputError(f"{config.workdir}: holds no finished run; finish it with --mode=train")
    network = build_model(backbone=config.backbone, size=config.size)
    network.load_weights(read_result(folder).weights)
    return network
