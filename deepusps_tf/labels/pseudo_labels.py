"""Turns training-mode predictions into the next round's labels, while training runs."""

import dataclasses
import threading
from collections.abc import Iterator

import keras
import numpy as np

from data_prep.base.errors import InputError
from data_prep.records.format import LabelRecord, RecordSet
from data_prep.records.shard_writer import write_shards
from deepusps_tf.data.batches import DUPLICATE
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.moving_average import MovingAverage

# Labels made by a network are cut here; maps at `handcrafted_threshold`.
REFINED_THRESHOLD = 0.5
SHOWN = 4  # photos whose predictions TensorBoard shows


def handcrafted_threshold(labels: RecordSet, scale: float) -> float:
    """Computes gamma = scale x the mean saliency of a method's maps (paper, 3.1).

    Raises:
        InputError: where the maps are so empty or full that nothing can be cut there.
    """
    mean = labels.manifest.mean_saliency
    threshold = scale * mean
    if not 0 < threshold < 1:
        raise InputError(
            f"{labels.stem}: mean saliency {mean:.3f} cannot be cut at {threshold:.3f}; "
            "leave this method out of --methods"
        )
    return threshold


@dataclasses.dataclass(frozen=True)
class LabelSummary:
    """What a round's labels look like when cut into foreground and background.

    Attributes:
        count: labels.
        empty: labels without a foreground pixel.
        full: labels without a background pixel.
    """

    count: int
    empty: int
    full: int


class PseudoLabels(keras.callbacks.Callback):
    """Checks every prediction of training and collects each epoch's into the moving average.

    The training step hands its predictions to `push` through `tf.py_function`, made before that
    step's update; no extra forward pass is needed. Each goes through the CRF (in other processes)
    into the average. An epoch ends when all of its photos are in. `write_labels` then turns the
    average into label shards.

    Args:
        average: the store, or None to only check predictions, as fusion does.
        pool: the CRF's processes, or None to average predictions as they are.
        images: the photos trained on, to name one in an error.

    Attributes:
        shown: of this epoch, the first `SHOWN` photos by index: each float32 [S, S, 3] in 0..255
            with its prediction, float32 [S, S].
        failure: what went wrong in `push`, or None.
    """

    def __init__(self, average: MovingAverage | None, pool: CrfPool | None, images: RecordSet):
        super().__init__()
        self._average = average
        self._pool = pool
        self._images = images
        self._lock = threading.Lock()
        self.shown: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.failure: Exception | None = None

    def on_epoch_begin(self, epoch, logs=None):
        """Opens the epoch's file of averages."""
        self.shown.clear()
        if self._average is not None:
            self._average.begin_epoch(epoch)

    def push(self, index, image, probability) -> None:
        """Takes one replica's predictions; called from the graph, by several threads at once.

        Args:
            index: int32 [B]; entries of `DUPLICATE` are skipped.
            image: float32 [B, S, S, 3] in 0..255.
            probability: float32 [B, S, S, 1] in [0, 1].
        """
        try:
            self._push(index.numpy(), image.numpy(), probability.numpy()[..., 0])
        except Exception as error:  # TensorFlow would hide its type; training raises it again
            self.failure = self.failure or error
            raise

    def _push(self, indices: np.ndarray, images: np.ndarray, probabilities: np.ndarray) -> None:
        finite = np.isfinite(probabilities).all(axis=(1, 2))
        if not finite.all():
            ids = [self._images.ids[index] for index in indices[~finite] if index != DUPLICATE]
            raise InputError(
                f"the network's output is not finite at photos {', '.join(ids)}; "
                "lower the learning rate, or check these photos and their labels"
            )
        for index, image, probability in zip(indices, images, probabilities, strict=True):
            if 0 <= index < SHOWN:
                self.shown[int(index)] = image, probability
            if index == DUPLICATE or self._average is None:
                continue
            if self._pool is None:
                self._update(index, probability)
                continue
            rgb = np.rint(image).astype(np.uint8)
            self._pool.submit(
                rgb, probability, lambda refined, index=index: self._update(index, refined)
            )

    def _update(self, index: int, refined: np.ndarray) -> None:
        with self._lock:
            self._average.update(index, refined)

    def on_epoch_end(self, epoch, logs=None):
        """Waits for the CRFs still under way and closes the epoch's file."""
        if self._average is None:
            return
        if self._pool is not None:
            self._pool.drain()
        self._average.end_epoch()


def write_labels(
    *, average: MovingAverage, epoch: int, images: RecordSet, stem: str
) -> LabelSummary:
    """Writes the average after `epoch` epochs as a label version with the ids of `images`."""
    empty = full = 0

    def records() -> Iterator[LabelRecord]:
        nonlocal empty, full
        for photo_id, label in zip(images.ids, average.labels(epoch), strict=True):
            foreground = label >= REFINED_THRESHOLD * 255
            empty += not foreground.any()
            full += bool(foreground.all())
            yield LabelRecord.from_map(photo_id, label)

    manifest = write_shards(stem=stem, records=records(), count=len(images.ids))
    return LabelSummary(manifest.count, empty, full)
