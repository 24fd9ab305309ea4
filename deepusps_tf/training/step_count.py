"""Steps and epochs of a round, counted for the job under way."""

import keras

from data_prep.base.job import Job
from data_prep.base.log import note


class StepCount(keras.callbacks.Callback):
    """Counts each step for a job, and tells it of each epoch.

    Args:
        job: the job.
        stage: the round's, which was begun; its amount is in steps.
        epochs: of the round.
    """

    def __init__(self, job: Job, stage: str, epochs: int):
        super().__init__()
        self._job = job
        self._stage = stage
        self._epochs = epochs

    def on_train_batch_end(self, batch, logs=None):
        """Counts the step."""
        self._job.advance()

    def on_epoch_end(self, epoch, logs=None):
        """Tells of the epoch."""
        done, loss = epoch + 1, float(logs["loss"])
        note("%s: epoch %d of %d, loss %.4f", self._stage, done, self._epochs, loss)
        self._job.tell("epoch", stage=self._stage, epoch=done, epochs=self._epochs, loss=loss)
