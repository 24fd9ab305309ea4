"""A `.keras` file half as large: weights of 16 bits on disk, of 32 once Keras has loaded them."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

from data_prep.base.errors import InputError

_WEIGHTS = "model.weights.h5"  # the member that Keras keeps weights in


def halve_weights(path: Path) -> None:
    """Rounds the float32 weights of a `.keras` file to float16, and compresses the file.

    Keras gives each weight its layer's type when it loads the file, so that the network computes in
    float32 as before.

    Args:
        path: the file, which is changed.

    Raises:
        InputError: a weight is beyond 65504, which is where float16 ends.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[_WEIGHTS] = _halved(members[_WEIGHTS])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _halved(content: bytes) -> bytes:
    """An HDF5 file of the same groups and names, its float32 arrays in float16."""
    made = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(made, "w") as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                target = new.require_group(name)
            else:
                target = new.create_dataset(name, data=_half(item[()]))
            target.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
    return made.getvalue()


def _half(values: np.ndarray) -> np.ndarray:
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise InputError("--format=keras_half: a weight is beyond 65504; give --format=keras")
    return half
