"""What a training step hands over before its update: who gets it, and whether it can be used."""

from collections.abc import Callable, Sequence

import numpy as np

from data_prep.base.errors import InputError
from deepusps_tf.data.batches import DUPLICATE

# (index int32 [B], photo float32 [B, S, S, 3] in 0..255, probability float32 [B, S, S] in [0, 1]);
# an index is the photo's place in record order, or `DUPLICATE`.
Receiver = Callable[[np.ndarray, np.ndarray, np.ndarray], None]


class HandOver:
    """Gives the predictions of each training step to receivers, one after another.

    The step calls `push` through `tf.py_function`; no extra forward pass is needed.

    Args:
        receivers: called in this order; one that raises keeps the later ones from the step.

    Attributes:
        failure: the first that a receiver raised, or None.
    """

    def __init__(self, receivers: Sequence[Receiver]):
        self._receivers = tuple(receivers)
        self.failure: Exception | None = None

    def push(self, index, image, probability) -> None:
        """Takes one replica's predictions; called from the graph, by several threads at once.

        Args:
            index: int32 [B].
            image: float32 [B, S, S, 3] in 0..255.
            probability: float32 [B, S, S, 1] in [0, 1].
        """
        try:
            arrays = index.numpy(), image.numpy(), probability.numpy()[..., 0]
            for receive in self._receivers:
                receive(*arrays)
        except Exception as error:  # TensorFlow would hide its type; training raises it again
            self.failure = self.failure or error
            raise


class FiniteCheck:
    """Stops a training whose predictions are no numbers any more.

    Args:
        ids: of the photos trained on, in record order, to name one in an error.
    """

    def __init__(self, ids: Sequence[str]):
        self._ids = ids

    def receive(self, index: np.ndarray, image: np.ndarray, probability: np.ndarray) -> None:
        """Looks at the predictions of a step.

        Raises:
            InputError: naming the photos whose predictions are not finite.
        """
        finite = np.isfinite(probability).all(axis=(1, 2))
        if not finite.all():
            names = [self._ids[place] for place in index[~finite] if place != DUPLICATE]
            raise InputError(
                f"the network's output is not finite at photos {', '.join(names)}; "
                "lower the learning rate, or check these photos and their labels"
            )
