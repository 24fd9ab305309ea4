"""A model's `model.json` inside the one file that the model is."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

NAME = "model.json"  # of the member, property or buffer


def _put_into_keras(path: Path, text: str) -> None:
    """As one more member of the archive, of which Keras reads its own alone."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(NAME), text)


def _put_into_onnx(path: Path, text: str) -> None:
    """As one of the graph's `metadata_props`."""
    import onnx

    model = onnx.load(path)
    model.metadata_props.add(key=NAME, value=text)
    onnx.save(model, path)


def _put_into_litert(path: Path, text: str) -> None:
    """As a buffer that the flatbuffer's metadata names."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(path.read_bytes()))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = NAME.encode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))


WRITERS: dict[str, Callable[[Path, str], None]] = {
    "keras": _put_into_keras,
    "keras_half": _put_into_keras,
    "onnx": _put_into_onnx,
    "litert": _put_into_litert,
}


def put_into_file(path: Path, form: str, text: str) -> None:
    """Puts the text of `model.json` into a model's file; of a form that has no place, nowhere.

    Args:
        path: the file, which is changed.
        form: as of `deepusps_tf.serving.portable.WRITERS`.
        text: of `deepusps_tf.serving.model_facts.facts_text`.
    """
    if form in WRITERS:
        WRITERS[form](path, text)


def read_from_keras(path: Path) -> str | None:
    """Reads the text of `model.json` in a `.keras` file; None where it has none."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(NAME).decode() if NAME in archive.namelist() else None
