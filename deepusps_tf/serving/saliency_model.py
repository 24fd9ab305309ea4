"""A trained network in Python: photos of any size in, probability maps of the same sizes out."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.pictures.images import fit_within
from deepusps_tf.data.decoding import fit_square
from deepusps_tf.labels.crf import CrfSettings, refine
from deepusps_tf.serving.keras_file import facts_in_keras_file, load_network
from deepusps_tf.serving.model_facts import ModelFacts, read_facts
from deepusps_tf.serving.photo_input import AnyPhoto, enlarge, photo_rgb, photo_rgba
from deepusps_tf.serving.refinement import crf_by_argument
from deepusps_tf.serving.signatures import ServingModule
from deepusps_tf.settings.places import KERAS_SUFFIX, find_model

MAX_SIDE = 512  # of the maps of `predict_seen`: more than the network sees


class SeenPhoto(NamedTuple):
    """What prediction keeps of a photo, which may be large.

    Attributes:
        square: what the network sees, float32 [S, S, 3] as of `fit_square`, made of all pixels.
        rgb: the photo for the CRF, uint8 [h, w, 3] with sides of at most `MAX_SIDE`.
        size: the photo's own (H, W).
    """

    square: tf.Tensor
    rgb: np.ndarray
    size: tuple[int, int]


class SaliencyModel:
    """Predicts photos as the export of their network does; see `load_model`, `wrap_network`.

    Args:
        predict_squares: photos as `fit_square` made them, float32 [B, S, S, 3] -> probabilities
            float32 [B, S, S, 1].
        size: side of the network's input in pixels.
        name: what the model is called, or where it lies.
        fingerprint: of what an export holds: the same for copies of it alone.
        facts: what an export says of itself, or None.
        crf: refines what `predict`, `cutout` and `predict_batch` give; None: nothing does.
    """

    def __init__(
        self,
        predict_squares: Callable[[tf.Tensor], tf.Tensor],
        size: int,
        name: str,
        fingerprint: str | None = None,
        facts: ModelFacts | None = None,
        crf: CrfSettings | None = None,
    ):
        self._predict_squares = predict_squares
        self._size = size
        self.name = name
        self.fingerprint = fingerprint
        self.facts = facts
        self.crf = crf

    def predict(self, photo: AnyPhoto) -> np.ndarray:
        """Predicts one photo, as `--mode=predict` does.

        Args:
            photo: a path, the bytes of an encoded file, a Pillow image, or an array: grey [H, W]
                or [H, W, 1], RGB [H, W, 3] or RGBA [H, W, 4], of uint8, uint16 or float. Floats
                that all lie in 0..1 have 1 for white, others must lie in 0..255: no photo in
                0..255 has a brightest value of 1. Transparent pixels are seen on white.

        Returns:
            float32 [H, W] in [0, 1] at the photo's own size, upright: the probability of being
            salient, after the model's CRF where it has one.

        Raises:
            InputError: for a file that cannot be read.
            TypeError: for what is no photo.
            ValueError: for an array of another shape, type or range.
        """
        return self._refined([self.see(photo)])[0]

    def cutout(self, photo: AnyPhoto) -> np.ndarray:
        """Cuts the salient object of a photo out, as `--mode=predict --as=cutout` does.

        Args:
            photo: as of `predict`.

        Returns:
            uint8 [H, W, 4], upright: the photo in sRGB, its opacity the probability of being
            salient, but where the photo's own is lower.

        Raises:
            InputError, TypeError, ValueError: as `predict`.
        """
        probability = self.predict(photo)
        opacity = np.rint(255 * probability.clip(0, 1)).astype(np.uint8)
        rgba = photo_rgba(photo)
        rgba[..., 3] = np.minimum(rgba[..., 3], opacity)
        return rgba

    def see(self, photo: AnyPhoto) -> SeenPhoto:
        """Makes what prediction needs of a photo; its own pixels are let go.

        Args:
            photo: as of `predict`.

        Raises:
            InputError, TypeError, ValueError: as `predict`.
        """
        return self._seen(photo_rgb(photo))

    def predict_seen(self, photos: Sequence[SeenPhoto]) -> list[np.ndarray]:
        """Predicts photos that `see` saw in one step, without the CRF.

        Returns:
            float32 [h, w] in [0, 1] for each, of the size of its `rgb`; see `enlarge`.
        """
        sizes = [photo.rgb.shape[:2] for photo in photos]
        return self._maps([photo.square for photo in photos], sizes)

    def predict_batch(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Predicts arrays, whose sizes may differ, in one step, each at its own size.

        Args:
            photos: uint8 or float [H, W, 3] in 0..255, any sizes from 1x1.

        Returns:
            float32 [H, W] in [0, 1] for each.

        Raises:
            ValueError: for an array of another shape.
        """
        for rgb in photos:
            if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
                raise ValueError(f"a photo must be an array [H, W, 3], not {list(rgb.shape)}")
        if self.crf is not None:
            return self._refined([self._seen(rgb) for rgb in photos])
        squares = [fit_square(rgb, self._size) for rgb in photos]
        return self._maps(squares, [rgb.shape[:2] for rgb in photos])

    def _seen(self, rgb: np.ndarray) -> SeenPhoto:
        """What prediction keeps of an array [H, W, 3] in 0..255."""
        pixels = rgb if rgb.dtype == np.uint8 else np.rint(rgb).astype(np.uint8)
        return SeenPhoto(fit_square(rgb, self._size), fit_within(pixels, MAX_SIDE), rgb.shape[:2])

    def _refined(self, photos: Sequence[SeenPhoto]) -> list[np.ndarray]:
        """Predicts photos at their own sizes, after the CRF where there is one."""
        maps = self.predict_seen(photos)
        if self.crf is not None:
            maps = [
                refine(photo.rgb, map_, self.crf) for photo, map_ in zip(photos, maps, strict=True)
            ]
        return [enlarge(map_, photo.size) for photo, map_ in zip(photos, maps, strict=True)]

    def _maps(
        self, squares: Sequence[tf.Tensor], sizes: Sequence[tuple[int, int]]
    ) -> list[np.ndarray]:
        """Predicts squares, each brought to its size."""
        return [
            tf.image.resize(map_, size).numpy()[..., 0]
            for map_, size in zip(self._predict_squares(tf.stack(squares)), sizes, strict=True)
        ]


def load_model(path: str | Path, *, crf: bool | CrfSettings | None = None) -> SaliencyModel:
    """Loads an exported model, whose predictions its own CRF refines unless another is chosen.

    Args:
        path: an exported version (`export/1`), the folder of versions (the latest is taken), or a
            `.keras` file.
        crf: as of `crf_by_argument`.

    Raises:
        InputError: where there is no model that this program exported.
    """
    model = open_model(path)
    model.crf = crf_by_argument(crf, model.facts, model.name)
    return model


def open_model(path: str | Path) -> SaliencyModel:
    """Loads an exported model for those who refine its predictions themselves, if at all.

    Args:
        path: as of `load_model`.

    Raises:
        InputError: as `load_model`.
    """
    path = find_model(path)
    if path.suffix == KERAS_SUFFIX:
        return _open_keras_file(path)
    try:
        # Read first: where it is damaged, loading would log a traceback and go on.
        fingerprint = tf.saved_model.experimental.read_fingerprint(str(path)).singleprint()
        loaded = tf.saved_model.load(str(path))
        # Versions of old have no refinement in the graph, and no signature without one.
        unrefined = "tensor_unrefined" in loaded.signatures
        signature = loaded.signatures["tensor_unrefined" if unrefined else "tensor"]
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

    return SaliencyModel(predict_squares, size, str(path), fingerprint, read_facts(path))


def _open_keras_file(path: Path) -> SaliencyModel:
    """Loads what `--mode=export --format=keras` or `keras_half` wrote."""
    network = load_network(path)
    model = wrap_network(network, network.input_shape[1])
    model.name = str(path)
    model.fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()
    model.facts = facts_in_keras_file(path)
    return model


def wrap_network(network: keras.Model, size: int) -> SaliencyModel:
    """Does with a network what its export would; `size` is the side of its input in pixels."""
    module = ServingModule(network, size)
    squares = tf.TensorSpec([None, size, size, 3], tf.float32)
    predict_squares = tf.function(
        module.predict_squares, input_signature=[squares], autograph=False
    )
    return SaliencyModel(predict_squares, size, network.name)
