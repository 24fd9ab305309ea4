"""Collects predictions into the moving average, through the CRF, while training runs."""

import threading

import keras
import numpy as np

from deepusps_tf.data.batches import DUPLICATE
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.moving_average import MovingAverage


class Averaging(keras.callbacks.Callback):
    """Enters the prediction of every training photo into the moving average, epoch by epoch.

    Each goes through the CRF (in other processes) into the average. An epoch ends when all of its
    photos are in.

    Args:
        average: the store.
        pool: the CRF's processes, or None to average predictions as they are; kept as `pool`.
    """

    def __init__(self, average: MovingAverage, pool: CrfPool | None):
        super().__init__()
        self._average = average
        self.pool = pool
        self._lock = threading.Lock()

    def on_epoch_begin(self, epoch, logs=None):
        """Opens the epoch's file of averages."""
        self._average.begin_epoch(epoch)

    def receive(self, index: np.ndarray, image: np.ndarray, probability: np.ndarray) -> None:
        """Takes predictions, as `training.hand_over` gives them; duplicates are skipped."""
        for place, photo, prediction in zip(index, image, probability, strict=True):
            if place == DUPLICATE:
                continue
            if self.pool is None:
                self._update(place, prediction)
                continue
            rgb = np.rint(photo).astype(np.uint8)
            self.pool.submit(
                rgb, prediction, lambda refined, place=place: self._update(place, refined)
            )

    def _update(self, place: int, refined: np.ndarray) -> None:
        with self._lock:
            self._average.update(place, refined)

    def on_epoch_end(self, epoch, logs=None):
        """Waits for the CRFs still under way and closes the epoch's file."""
        if self.pool is not None:
            self.pool.drain()
        self._average.end_epoch()
