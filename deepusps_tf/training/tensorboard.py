"""What a run shows in TensorBoard: scalars and pictures of epochs, rounds and its report."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from data_prep.records.format import RecordSet
from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.training.recent_pictures import SHOWN, RecentPictures


class EpochLog(keras.callbacks.Callback):
    """Writes loss, learning rate, photos a second, CRFs left to do and predictions, once an epoch.

    Args:
        folder: the TensorBoard log of one round.
        pictures: the photos shown, with their predictions; forgotten as an epoch begins.
        count: photos an epoch.
        pool: the CRF's processes, or None.
    """

    def __init__(self, folder: Path, pictures: RecentPictures, count: int, pool: CrfPool | None):
        super().__init__()
        self._pictures = pictures
        self._folder = str(folder)
        self._count = count
        self._pool = pool
        self._writer: tf.summary.SummaryWriter | None = None
        self._started = 0.0

    def on_train_begin(self, logs=None):
        """Opens the log."""
        self._writer = tf.summary.create_file_writer(self._folder)

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock."""
        self._pictures.forget()
        self._started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Writes the epoch, before the CRFs under way are waited for."""
        seconds = time.monotonic() - self._started
        with self._writer.as_default(step=epoch + 1):
            tf.summary.scalar("loss", logs["loss"])
            tf.summary.scalar("learning_rate", self.model.optimizer.learning_rate)
            tf.summary.scalar("photos_per_second", self._count / seconds)
            if self._pool is not None:
                tf.summary.scalar("crf_pending", self._pool.pending)
            pictures = self._pictures.pairs()
            if pictures:  # other workers may have had all of these photos
                name = "photo, prediction in training"
                tf.summary.image(name, np.stack(pictures), max_outputs=SHOWN)
        self._writer.flush()

    def on_train_end(self, logs=None):
        """Closes the log."""
        self._writer.close()


def write_scores(folder: Path, step: int, scores: dict[str, float]) -> None:
    """Writes named scores of a stage as scalars."""
    with tf.summary.create_file_writer(str(folder)).as_default(step=step):
        for name, value in scores.items():
            tf.summary.scalar(name, value)


def write_settings(folder: Path, settings: Mapping[str, object]) -> None:
    """Writes a run's settings for TensorBoard's HParams page, where runs are compared.

    Args:
        folder: the log that holds the scores to compare by.
        settings: by name; what is no number, bool or text is written as text, None left out.
    """
    plain = {
        name: value if isinstance(value, (bool, int, float, str)) else str(value)
        for name, value in settings.items()
        if value is not None
    }
    with tf.summary.create_file_writer(str(folder)).as_default():
        hparams.hparams(plain)


def write_round_pictures(
    *,
    folder: Path,
    step: int,
    images: RecordSet,
    labels: Sequence[RecordSet],
    network: keras.Model,
    size: int,
) -> None:
    """Writes the first photos of a set, each beside its labels and a network's prediction.

    Args:
        folder: TensorBoard log.
        step: the round's number.
        images: the photos.
        labels: label sets shown, in refinement those before and after the round.
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
    """
    batches = scoring_batches(images=images, labels=labels, size=size, batch_size=SHOWN)
    batch = next(iter(batches))
    maps = np.moveaxis(batch["labels"].numpy(), -1, 0)[..., None]
    greys = [*maps, network.predict_on_batch(batch["image"])]
    cells = [batch["image"].numpy() / 255, *(np.repeat(grey, 3, axis=-1) for grey in greys)]
    name = f"photo, {len(labels)} labels, prediction"
    with tf.summary.create_file_writer(str(folder)).as_default(step=step):
        tf.summary.image(name, np.concatenate(cells, axis=2), max_outputs=SHOWN)


def write_pictures(folder: Path, step: int, pictures: Mapping[str, np.ndarray]) -> None:
    """Writes finished pictures by name.

    Args:
        folder: TensorBoard log.
        step: the stage that they show.
        pictures: each uint8 [N, H, W, 3].
    """
    with tf.summary.create_file_writer(str(folder)).as_default(step=step):
        for name, stack in pictures.items():
            tf.summary.image(name, stack, max_outputs=len(stack))
