"""The trained network as one file, for programs that do not read SavedModels."""

import contextlib
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.serving.file_metadata import put_into_file
from deepusps_tf.serving.graph_refinement import refine_in_graph
from deepusps_tf.serving.half_precision import halve_weights
from deepusps_tf.serving.model_facts import NONE, ModelFacts, facts_text

# Of what rembg feeds an ONNX file and expects of it.
SIDE = 320
MEAN = (0.485, 0.456, 0.406)  # ImageNet's, of photos in 0..1
STD = (0.229, 0.224, 0.225)
OPSET = 17
# What a model of rounded weights says of itself.
ROUNDED = "Its weights were rounded to half precision. Its figures are those before that."


class _Refined(keras.layers.Layer):
    """The CRF of a graph as a layer: (photos, probabilities) -> probabilities."""

    def __init__(self, crf: CrfSettings, size: int):
        super().__init__()
        self._crf, self._size = crf, size

    def call(self, photos, probability):
        """Refines, as `refine_in_graph`."""
        return refine_in_graph(probability, photos, self._crf, self._size)


def _write_litert(*, network: keras.Model, size: int, path: Path, crf: CrfSettings | None) -> None:
    if crf is not None:
        photos = keras.Input((size, size, 3), name="image")
        network = keras.Model(photos, _Refined(crf, size)(photos, network(photos)))
    with contextlib.redirect_stdout(io.StringIO()):  # Keras prints where it wrote
        network.export(path, format="litert", verbose=False)


def _write_keras(*, network: keras.Model, size: int, path: Path, crf: None) -> None:
    del size, crf  # the network's own; Python refines what it predicts
    network.save(path)


def _write_half(*, network: keras.Model, size: int, path: Path, crf: None) -> None:
    del size, crf
    inference_twin(network).save(path)  # first: a rounded variance would be folded into weights
    halve_weights(path)


def _write_weights(*, network: keras.Model, size: int, path: Path, crf: None) -> None:
    del size, crf
    network.save_weights(path)


def write_onnx(
    *, network: keras.Model, size: int, path: Path, crf: CrfSettings | None = None
) -> None:
    """Writes an ONNX graph in the form of a U2-Net.

    It takes photos float32 [B, 3, 320, 320], normalised as by `MEAN` and `STD`, and returns the
    probability of being salient, float32 [B, 1, 320, 320]. Resizing to the network's size and back
    is part of the graph, and so is what refines it, at 320 pixels.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
        path: the file.
        crf: refines as `refine_in_graph`; None: nothing does.

    Raises:
        InputError: where tf2onnx is not installed.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise InputError("--format=onnx: run pip install tf2onnx onnx first") from error

    shrink = resizing_matrix(SIDE, size, "bicubic")
    enlarge = resizing_matrix(size, SIDE, "bilinear")

    @tf.function(
        input_signature=[tf.TensorSpec([None, 3, SIDE, SIDE], tf.float32, name="image")],
        autograph=False,
    )
    def salient(image):
        photos = 255 * (tf.transpose(image, [0, 2, 3, 1]) * STD + MEAN)
        squares = tf.clip_by_value(_resize(photos, shrink), 0.0, 255.0)
        probability = _resize(network(squares, training=False), enlarge)
        if crf is not None:
            probability = refine_in_graph(probability, photos, crf, SIDE)
        return {"probability": tf.transpose(probability, [0, 3, 1, 2])}

    tf2onnx.convert.from_function(
        salient, input_signature=salient.input_signature, opset=OPSET, output_path=str(path)
    )


def resizing_matrix(source: int, target: int, method: str) -> np.ndarray:
    """Says what `tf.image.resize` does to a column of pixels, as a matrix.

    ONNX converters know no antialiased resizing, but every one knows matrix products.

    Args:
        source: pixels of the column.
        target: pixels it becomes.
        method: `bilinear` or `bicubic`; antialiased.

    Returns:
        float32 [target, source].
    """
    columns = np.eye(source, dtype=np.float32)[..., None]
    resized = tf.image.resize(columns, (target, source), method=method, antialias=True)
    return resized.numpy()[..., 0]


def _resize(pictures: tf.Tensor, matrix: np.ndarray) -> tf.Tensor:
    """Resizes square pictures [B, n, n, C] to [B, m, m, C] by a matrix [m, n]."""
    rows = tf.einsum("bhwc,mh->bmwc", pictures, matrix)
    return tf.einsum("bmwc,nw->bmnc", rows, matrix)


WRITERS: dict[str, tuple[str, Callable[..., None]]] = {
    "keras": ("model.keras", _write_keras),
    "keras_half": ("model.half.keras", _write_half),
    "weights": ("model.weights.h5", _write_weights),
    "onnx": ("model.onnx", write_onnx),
    "litert": ("model.tflite", _write_litert),
}
_BARE = ("keras", "keras_half", "weights")  # of these forms Python makes the network again


def write_portable(
    *, network: keras.Model, size: int, folder: Path, form: str, facts: ModelFacts | None = None
) -> Path:
    """Writes the network as one file, whole or not at all; an older one is replaced.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
        folder: gets `model.keras`, `model.half.keras` (the network folded as of `inference_twin`,
            weights as of `halve_weights`), `model.weights.h5`, `model.onnx` (see `write_onnx`) or
            `model.tflite` (for LiteRT; in and out as the network).
        form: key of `WRITERS`.
        facts: what the model says of itself, as metadata of all but `model.weights.h5`, and so
            what refines in the ONNX and LiteRT graphs; None: nothing.

    Returns:
        The file.

    Raises:
        InputError: where a package that writes this form is missing, or a weight is beyond half
            precision.
        OSError: where the disk is full.
    """
    name, write = WRITERS[form]
    partial = Path(folder) / f"partial-{name}"  # the writers choose by suffix
    if facts is not None and form in _BARE:
        facts = dataclasses.replace(facts, served_refinement=NONE)
    try:
        write(network=network, size=size, path=partial, crf=facts and facts.served_crf)
        if facts is not None:
            if form == "keras_half":
                facts = dataclasses.replace(facts, limits=(*facts.limits, ROUNDED))
            put_into_file(partial, form, facts_text(facts))
        return partial.replace(Path(folder) / name)
    except ImportError as error:
        raise InputError(f"--format={form} needs a package: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
