"""A trained network in Python: photos of any size in, probability maps of the same sizes out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.data.batches import fit_square
from deepusps_tf.serving.signatures import ServingModule
from deepusps_tf.settings.places import find_model


class SaliencyModel:
    """Predicts photos as the export of their network does; see `load_model`, `wrap_network`.

    Args:
        predict_squares: photos as `fit_square` made them, float32 [B, S, S, 3] -> probabilities
            float32 [B, S, S, 1].
        size: side of the network's input in pixels.
        name: what the model is called, or where it lies.
        fingerprint: of what an export holds: the same for copies of it alone.
    """

    def __init__(
        self,
        predict_squares: Callable[[tf.Tensor], tf.Tensor],
        size: int,
        name: str,
        fingerprint: str | None = None,
    ):
        self._predict_squares = predict_squares
        self._size = size
        self.name = name
        self.fingerprint = fingerprint

    def predict(self, rgb: np.ndarray) -> np.ndarray:
        """Predicts one photo.

        Args:
            rgb: uint8 or float [H, W, 3] in 0..255, any size from 1x1.

        Returns:
            float32 [H, W] in [0, 1], the probability of being salient.

        Raises:
            ValueError: for an array of another shape.
        """
        return self.predict_batch([rgb])[0]

    def predict_batch(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Predicts photos, whose sizes may differ, in one step; see `predict`."""
        for rgb in photos:
            if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
                raise ValueError(f"a photo must be an array [H, W, 3], not {list(rgb.shape)}")
        maps = self._predict_squares(tf.stack([fit_square(rgb, self._size) for rgb in photos]))
        return [
            tf.image.resize(map_, rgb.shape[:2]).numpy()[..., 0]
            for map_, rgb in zip(maps, photos, strict=True)
        ]


def load_model(path: str | Path) -> SaliencyModel:
    """Loads an exported model.

    Args:
        path: an exported version (`export/1`) or the folder of versions (the latest is taken).

    Raises:
        InputError: where the folder holds no model that this program exported.
    """
    path = find_model(path)
    try:
        # Read first: where it is damaged, loading would log a traceback and go on.
        fingerprint = tf.saved_model.experimental.read_fingerprint(str(path)).singleprint()
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["tensor"]
        encoded = loaded.signatures["serving_default"].structured_outputs
        size = int(encoded["probability"].shape[1])
    except (tf.errors.OpError, OSError, KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: cannot be loaded ({reason}); export it again with --mode=export"
        ) from error

    def predict_squares(squares: tf.Tensor) -> tf.Tensor:
        # Resizing, which the signature does too, leaves what has the size already as it is.
        return signature(image=squares)["probability"]

    return SaliencyModel(predict_squares, size, str(path), fingerprint)


def wrap_network(network: keras.Model, size: int) -> SaliencyModel:
    """Does with a network what its export would; `size` is the side of its input in pixels."""
    module = ServingModule(network, size)
    squares = tf.TensorSpec([None, size, size, 3], tf.float32)
    predict_squares = tf.function(module.predict_squares, input_signature=[squares])
    return SaliencyModel(predict_squares, size, network.name)
