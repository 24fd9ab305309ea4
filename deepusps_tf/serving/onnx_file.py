"""The trained network as an ONNX file, which rembg takes as a `u2net_custom` model."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError

SIDE = 320  # of what rembg feeds and expects
MEAN = (0.485, 0.456, 0.406)  # ImageNet's, of photos in 0..1
STD = (0.229, 0.224, 0.225)
OPSET = 17


def write_onnx(*, network: keras.Model, size: int, path: Path) -> None:
    """Writes an ONNX graph in the form of a U2-Net.

    It takes photos float32 [B, 3, 320, 320], normalised as by `MEAN` and `STD`, and returns the
    probability of being salient, float32 [B, 1, 320, 320]. Resizing to the network's size and back
    is part of the graph.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
        path: the file.

    Raises:
        InputError: where tf2onnx is not installed.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise InputError("--format=onnx: run pip install tf2onnx onnx first") from error

    shrink = resizing_matrix(SIDE, size, "bicubic")
    enlarge = resizing_matrix(size, SIDE, "bilinear")

    @tf.function(input_signature=[tf.TensorSpec([None, 3, SIDE, SIDE], tf.float32, name="image")])
    def salient(image):
        photos = 255 * (tf.transpose(image, [0, 2, 3, 1]) * STD + MEAN)
        photos = tf.clip_by_value(_resize(photos, shrink), 0.0, 255.0)
        probability = _resize(network(photos, training=False), enlarge)
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
