"""The trained network as one file, for programs that do not read SavedModels."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import keras

from data_prep.base.errors import InputError
from deepusps_tf.serving.onnx_file import write_onnx


def _write_litert(*, network: keras.Model, size: int, path: Path) -> None:
    del size  # the network's own
    with contextlib.redirect_stdout(io.StringIO()):  # Keras prints where it wrote
        network.export(path, format="litert", verbose=False)


def _write_keras(*, network: keras.Model, size: int, path: Path) -> None:
    del size
    network.save(path)


def _write_weights(*, network: keras.Model, size: int, path: Path) -> None:
    del size
    network.save_weights(path)


WRITERS: dict[str, tuple[str, Callable[..., None]]] = {
    "keras": ("model.keras", _write_keras),
    "weights": ("model.weights.h5", _write_weights),
    "onnx": ("model.onnx", write_onnx),
    "litert": ("model.tflite", _write_litert),
}


def write_portable(*, network: keras.Model, size: int, folder: Path, form: str) -> Path:
    """Writes the network as one file, whole or not at all; an older one is replaced.

    Args:
        network: photos float32 [B, S, S, 3] in 0..255 -> probabilities float32 [B, S, S, 1].
        size: S.
        folder: gets `model.keras`, `model.weights.h5`, `model.onnx` (see `write_onnx`) or
            `model.tflite` (for LiteRT; in and out as the network).
        form: key of `WRITERS`.

    Returns:
        The file.

    Raises:
        InputError: where a package that writes this form is missing.
        OSError: where the disk is full.
    """
    name, write = WRITERS[form]
    partial = Path(folder) / f"partial-{name}"  # the writers choose by suffix
    try:
        write(network=network, size=size, path=partial)
        return partial.replace(Path(folder) / name)
    except ImportError as error:
        raise InputError(f"--format={form} needs a package: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
