"""One round of training: from labels to a network and, in refinement, to better labels."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.job import current_job
from data_prep.records.format import RecordSet
from data_prep.records.random_reading import damaged_shard_named
from deepusps_tf.data.augmentation import PhotoChanges
from deepusps_tf.data.batches import steps_per_epoch, training_batches
from deepusps_tf.distribution.workers import ALONE, Workers
from deepusps_tf.fusion.base import Fusion
from deepusps_tf.fusion.mean_loss import MeanLoss
from deepusps_tf.labels.averaging import Averaging
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.moving_average import MovingAverage
from deepusps_tf.labels.predicted_labels import predicted_labels
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.networks.losses import find_loss
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.runs.checkpoints import EpochCommits
from deepusps_tf.runs.round_result import RoundResult, read_result
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.sections.fusion import AVERAGES
from deepusps_tf.training.callbacks import in_order
from deepusps_tf.training.hand_over import FiniteCheck, HandOver
from deepusps_tf.training.optimizer import ReleaseAdam
from deepusps_tf.training.recent_pictures import RecentPictures
from deepusps_tf.training.round_end import end_round
from deepusps_tf.training.rounds import Round
from deepusps_tf.training.start import draw_weights, starting_network
from deepusps_tf.training.step_count import StepCount
from deepusps_tf.training.tensorboard import EpochLog
from deepusps_tf.training.training_model import TrainingModel


class Trainer:
    """Trains rounds one after another, each from the pretrained weights with a fresh Adam.

    What is not pretrained, the head as a rule, is drawn anew for each (`draw_weights`).

    The step is traced once for all of them, which a short round would otherwise spend half its
    time on.

    Args:
        config: the run's settings.
        strategy: where to train.
        images: the photos trained on.
        beta_squared: beta^2 of the loss.
        makes: what rounds make labels of, one of `JOINT_LABELS`: averages over the epochs, of whole
            photos, or predictions at the end. None: they make none.
        fusion: what is minimised, and what happens beside it; None: the mean of `--loss`.
        label_sets: how many label sets have a threshold of their own.
        workers: those that train together under `strategy`.

    Raises:
        InputError: where the pretrained weights or the loss cannot be used.
    """

    def __init__(
        self,
        config: Config,
        strategy: tf.distribute.Strategy,
        images: RecordSet,
        *,
        beta_squared: float,
        makes: str | None,
        fusion: Fusion | None = None,
        label_sets: int = 1,
        workers: Workers = ALONE,
    ):
        self._config = config
        self._strategy = strategy
        self._images = images
        self._makes = makes
        self._fusion = fusion or MeanLoss(config)
        self._workers = workers
        with strategy.scope():
            network, self._drawn = starting_network(config, strategy.num_replicas_in_sync)
            self._estimates = self._fusion.estimates(len(images.ids), label_sets)
            if self._estimates is not None:
                self._estimates.build()
            self._thresholds = keras.Variable([0.5] * label_sets, trainable=False, name="threshold")
            loss = self._fusion.make_loss(
                find_loss(config.loss), beta_squared=beta_squared, threshold=self._thresholds
            )
            self._model = TrainingModel(network, self._estimates)
            # py_function has no XLA kernel, so never let Keras choose to compile the step.
            self._model.compile(
                optimizer=ReleaseAdam(weight_average=config.weight_average),
                loss=loss,
                jit_compile=False,
            )
            self._model.optimizer.build(self._model.trainable_variables)
        self._model.built = True
        self._pretrained = network.get_weights()

    def train(self, spec: Round, labels: Sequence[RecordSet], pool: CrfPool | None) -> RoundResult:
        """Trains one round; goes on after the last whole epoch of one that was stopped.

        Writes in the round's folder and in its log, both in the workdir.

        Args:
            spec: the round.
            labels: the label sets to learn, of the photos' ids.
            pool: refines predictions for the moving average; None averages them as they are.

        Returns:
            The result, with everything it names on disk.

        Raises:
            InputError: for records or commits that cannot be used, and predictions that are not
                finite.
        """
        config, images = self._config, self._images
        folder = Path(config.workdir) / spec.name
        kept, average = folder / "checkpoints", None
        if self._makes == AVERAGES:
            size, momentum = config.size, config.mva_momentum
            average = MovingAverage(kept, len(images.ids), size, momentum, self._workers)
        commits = EpochCommits(kept, average, self._workers)
        self._restart(spec)
        first_epoch = commits.restore(self._model)
        self._workers.agree(first_epoch, f"{folder}: committed epochs")
        if first_epoch < spec.epochs:
            averaging = None if average is None else Averaging(average, pool)
            callbacks = self._watch(spec, first_epoch, averaging, commits)
            with damaged_shard_named([images, *labels]):
                self._fit(spec, labels, first_epoch, callbacks)
        elif config.weight_average:
            # `fit` does it at its end, which a training stopped after its last epoch did not reach.
            with self._strategy.scope():
                trained = self._model.trainable_variables
                self._model.optimizer.finalize_variable_values(trained)

        def end() -> RoundResult:
            if not self._workers.is_chief:
                return read_result(folder, images)
            return end_round(
                spec=spec,
                config=config,
                images=images,
                labels=labels,
                made=self._made(average, spec.epochs, pool),
                network=self._model.network,
                losses=commits.losses,
            )

        return self._workers.chief_first(end)

    def _made(
        self, average: MovingAverage | None, epochs: int, pool: CrfPool | None
    ) -> Iterator[np.ndarray] | None:
        """The labels that a trained round makes."""
        if average is not None:
            return average.labels(epochs)
        if self._makes is None:
            return None
        config = self._config
        network = build_model(backbone=config.backbone, size=config.size)
        network.set_weights(self._model.network.get_weights())
        return predicted_labels(
            network=inference_twin(network),
            images=self._images,
            size=config.size,
            batch_size=config.batch_size,
            pool=pool,
        )

    def _restart(self, spec: Round) -> None:
        """Puts the pretrained weights back, draws the others, forgets all of Adam's state."""
        with self._strategy.scope():
            self._model.network.set_weights(self._pretrained)
            draw_weights(self._drawn, self._config.seed, spec.name)
            for variable in self._model.optimizer.variables:
                variable.assign(keras.ops.zeros_like(variable))
            self._model.optimizer.learning_rate = spec.learning_rate
            self._thresholds.assign(np.broadcast_to(spec.threshold, self._thresholds.shape))
            if self._estimates is not None:
                self._estimates.restart()

    def _watch(
        self, spec: Round, first_epoch: int, averaging: Averaging | None, commits: EpochCommits
    ) -> list[keras.callbacks.Callback]:
        """Says who gets the predictions of a round's steps; makes its callbacks."""

        def rate(epoch: int, _: float) -> float:
            power = self._config.learning_rate_power
            return spec.learning_rate * (1 - epoch / spec.epochs) ** power

        receivers, log = [FiniteCheck(self._images.ids).receive], None
        if self._workers.is_chief:
            pictures = RecentPictures()
            receivers.append(pictures.receive)
            folder = Path(self._config.workdir) / "logs" / spec.name
            pool = averaging.pool if averaging is not None else None
            log = EpochLog(folder, pictures, len(self._images.ids), pool)
        if averaging is not None:
            receivers.append(averaging.receive)
        self._model.hand_over = HandOver(receivers)
        return in_order(
            rate=keras.callbacks.LearningRateScheduler(rate),
            log=log,
            count=self._count(spec, first_epoch),
            averaging=averaging,
            of_fusion=self._fusion.callbacks(self._workers),
            commits=commits,
        )

    def _count(self, spec: Round, first_epoch: int) -> StepCount | None:
        """Begins the round's stage of the job under way, where there is one."""
        job, steps = current_job(), self._steps
        if job is None:
            return None
        job.begin(spec.name, amount=spec.epochs * steps, done=first_epoch * steps)
        return StepCount(job, spec.name, spec.epochs)

    @property
    def _steps(self) -> int:
        """Of an epoch."""
        return steps_per_epoch(len(self._images.ids), self._config.batch_size)

    def _fit(
        self, spec: Round, labels: Sequence[RecordSet], first_epoch: int, callbacks: list
    ) -> None:
        config, workers = self._config, self._workers
        whole = self._makes == AVERAGES  # photos, in their own colours
        changes = PhotoChanges(
            mirror=config.mirror,
            crops=0.0 if whole else config.fusion_crops,
            colours=0.0 if whole else config.fusion_colours,
            ring=0.0 if whole else config.fusion_ring,
        )
        batches = training_batches(
            images=self._images,
            labels=labels,
            size=config.size,
            batch_size=config.batch_size,
            seed=config.seed * 1000 + spec.number,
            first_epoch=first_epoch,
            epochs=spec.epochs,
            changes=changes,
            worker=workers.number,
            workers=workers.count,
        )
        replicas = self._strategy.num_replicas_in_sync
        try:
            self._model.fit(
                workers.share_out(batches, config.batch_size // replicas),
                epochs=spec.epochs,
                initial_epoch=first_epoch,
                steps_per_epoch=self._steps,
                callbacks=callbacks,
                shuffle=False,
                verbose=0,
            )
        except tf.errors.OpError:
            failure = self._model.hand_over.failure
            if failure is not None:
                raise failure from None
            raise
