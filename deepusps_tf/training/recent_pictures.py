"""The first photos of an epoch with what the network made of them, for TensorBoard."""

import numpy as np

SHOWN = 4  # photos


class RecentPictures:
    """Keeps the first `SHOWN` photos by index with their predictions, until they are forgotten."""

    def __init__(self):
        self._shown: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def forget(self) -> None:
        """Drops what is kept, as an epoch begins in which another worker may have these photos."""
        self._shown.clear()

    def receive(self, index: np.ndarray, image: np.ndarray, probability: np.ndarray) -> None:
        """Takes predictions, as `hand_over` gives them."""
        for place, photo, prediction in zip(index, image, probability, strict=True):
            if 0 <= place < SHOWN:
                self._shown[int(place)] = photo, prediction

    def pairs(self) -> list[np.ndarray]:
        """Lays each photo and its prediction side by side, in record order.

        Returns:
            float32 [S, 2 S, 3] each, in 0..1.
        """
        return [
            np.concatenate([photo / 255, np.repeat(prediction[..., None], 3, axis=-1)], axis=1)
            for _, (photo, prediction) in sorted(self._shown.items())
        ]
