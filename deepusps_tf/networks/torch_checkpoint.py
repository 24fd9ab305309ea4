"""PyTorch checkpoint files (.pth) as NumPy arrays, read without PyTorch.

Two layouts exist. The legacy one is a row of pickles (magic number, protocol, system facts, the
object, the storage keys) followed by each storage's element count (int64) and raw elements. The
newer one is a zip archive with the object in `<root>/data.pkl` and each storage in
`<root>/data/<key>`. In both, a tensor is a view (offset, size, stride in elements) of a storage
that the pickle names by a persistent id.

A pickle can name any function of the interpreter, so the unpickler here admits only the handful
of names that a state dict needs and refuses the file otherwise.
"""

import collections
import dataclasses
import math
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_prep.base.errors import InputError

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001

# Little-endian element types; bfloat16 has no NumPy type and is widened after reading.
_ELEMENT_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


@dataclasses.dataclass(frozen=True, slots=True)
class _StorageType:
    """Stands for a torch storage class named by the pickle."""

    element_type: str

    @property
    def itemsize(self) -> int:
        return 2 if self.element_type == "bfloat16" else np.dtype(self.element_type).itemsize

    def decode(self, raw: bytes) -> np.ndarray:
        if self.element_type == "bfloat16":
            return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        return np.frombuffer(raw, self.element_type)


@dataclasses.dataclass(frozen=True, slots=True)
class _StorageRef:
    """A storage named by a persistent id: `length` elements from `start` of storage `key`."""

    key: str
    type: _StorageType
    start: int
    length: int


@dataclasses.dataclass(frozen=True, slots=True)
class _TensorRef:
    """A tensor whose storage is not read yet."""

    storage: _StorageRef
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _StateDictUnpickler(pickle.Unpickler):
    """Admits the names that a state dict needs, and no other."""

    def __init__(self, stream: BinaryIO, path: Path):
        super().__init__(stream, encoding="utf-8")
        self._path = path
        self.storages: dict[str, _StorageType] = {}

    def find_class(self, module: str, name: str):
        """Returns the stand-in of an admitted global; any other one raises `InputError`."""
        if module == "torch" and name in _ELEMENT_TYPES:
            return _StorageType(_ELEMENT_TYPES[name])
        admitted: dict[tuple[str, str], Callable] = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor"): self._tensor,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_parameter"): self._parameter,
        }
        if (module, name) not in admitted:
            raise InputError(
                f"{self._path}: refused, the pickle names {module}.{name}, which a state dict "
                "does not need; save model.state_dict() alone"
            )
        return admitted[module, name]

    def persistent_load(self, pid) -> _StorageRef:
        """Turns ('storage', type, key, location, length[, view]) into a reference."""
        kind, storage_type, key, _, length, *view = pid
        if kind != "storage" or not isinstance(storage_type, _StorageType):
            raise ValueError("unknown persistent id")
        self.storages[str(key)] = storage_type
        start = 0
        if view and view[0] is not None:
            _, start, length = view[0]
        return _StorageRef(str(key), storage_type, int(start), int(length))

    def _tensor(self, storage, offset, size, stride, *_) -> _TensorRef:
        if not isinstance(storage, _StorageRef) or len(size) != len(stride):
            raise ValueError("malformed tensor")
        return _TensorRef(storage, int(offset), tuple(map(int, size)), tuple(map(int, stride)))

    def _parameter(self, tensor, *_) -> _TensorRef:
        return tensor


def read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the state dict of a PyTorch checkpoint, legacy or zip, without PyTorch.

    Args:
        path: a file written by `torch.save(model.state_dict())`, or a dict that holds the state
            dict under "state_dict".

    Returns:
        Tensor name -> array, in file order, in PyTorch's layout (convolutions: out, in, height,
        width) and element type (bfloat16 widened to float32). A `module.` prefix, which
        DataParallel adds, is stripped.

    Raises:
        InputError: the file is missing, truncated or no checkpoint, or its pickle names anything
            beyond what a state dict needs; nothing of it was executed.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            if zipfile.is_zipfile(stream):
                content, storages = _read_zip(stream, path)
            else:
                stream.seek(0)
                content, storages = _read_legacy(stream, path)
        tensors = _state_dict_of(content)
        return {
            name.removeprefix("module."): _resolve(tensor, storages)
            for name, tensor in tensors.items()
        }
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except Exception as error:  # a damaged pickle can raise anything
        detail = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: not a whole PyTorch checkpoint ({detail}); download or save it again"
        ) from error


def _read_legacy(stream: BinaryIO, path: Path) -> tuple[object, dict[str, np.ndarray]]:
    if _StateDictUnpickler(stream, path).load() != _LEGACY_MAGIC:
        raise ValueError("no PyTorch magic number")
    if _StateDictUnpickler(stream, path).load() != _LEGACY_PROTOCOL:
        raise ValueError("unknown protocol version")
    if not _StateDictUnpickler(stream, path).load()["little_endian"]:
        raise ValueError("written on a big-endian machine")
    unpickler = _StateDictUnpickler(stream, path)
    content = unpickler.load()
    storages = {}
    for key in _StateDictUnpickler(stream, path).load():
        (length,) = struct.unpack("<q", stream.read(8))
        storage_type = unpickler.storages[key]
        raw = stream.read(length * storage_type.itemsize)
        if length < 0 or len(raw) != length * storage_type.itemsize:
            raise ValueError(f"truncated in storage {key}")
        storages[key] = storage_type.decode(raw)
    return content, storages


def _read_zip(stream: BinaryIO, path: Path) -> tuple[object, dict[str, np.ndarray]]:
    with zipfile.ZipFile(stream) as archive:
        names = set(archive.namelist())
        (pickle_name,) = [name for name in names if name.split("/")[1:] == ["data.pkl"]]
        root = pickle_name.removesuffix("data.pkl")
        if root + "byteorder" in names and archive.read(root + "byteorder") != b"little":
            raise ValueError("written on a big-endian machine")
        with archive.open(pickle_name) as entry:
            unpickler = _StateDictUnpickler(entry, path)
            content = unpickler.load()
        return content, {
            key: storage_type.decode(archive.read(f"{root}data/{key}"))
            for key, storage_type in unpickler.storages.items()
        }


def _state_dict_of(content: object) -> Mapping[str, _TensorRef]:
    if isinstance(content, Mapping) and "state_dict" in content:
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise ValueError("it holds no state dict")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, _TensorRef):
            raise ValueError(f"entry {name!r} is not a tensor")
    return content


def _resolve(tensor: _TensorRef, storages: Mapping[str, np.ndarray]) -> np.ndarray:
    ref = tensor.storage
    flat = storages[ref.key][ref.start : ref.start + ref.length]
    if min((*tensor.size, *tensor.stride, tensor.offset, ref.start), default=0) < 0:
        raise ValueError("negative size, stride or offset")
    if math.prod(tensor.size) > len(flat):
        raise ValueError("a tensor is larger than its storage")
    if math.prod(tensor.size) == 0:
        return np.zeros(tensor.size, flat.dtype)
    steps = zip(tensor.size, tensor.stride, strict=True)
    last = tensor.offset + sum((n - 1) * step for n, step in steps)
    if last >= len(flat):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [step * flat.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.size, strides)
    return np.array(view, order="C")
