"""Checkpoints are written here by hand, pickle operation by pickle operation, without PyTorch."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.networks.torch_checkpoint import read_state_dict

VALUES = np.arange(12, dtype="<f4")


class _Pickled:
    """Pickles as the given global called with the given arguments."""

    def __init__(self, module, name, *args):
        self.module, self.name, self.args = module, name, args


class _Global:
    def __init__(self, module, name):
        self.module, self.name = module, name


class _Storage:
    def __init__(self, type_name, key, length, *view):
        self.pid = ("storage", _Global("torch", type_name), key, "cpu", length, *view)


def _tensor(storage, offset, size, stride):
    return _Pickled("torch._utils", "_rebuild_tensor_v2", storage, offset, size, stride, False, {})


def _dumps(value) -> bytes:
    """A protocol 2 pickle of dicts, tuples, lists, str, int, bool, None and the classes above."""
    out = io.BytesIO()
    out.write(b"\x80\x02")

    def write(value):
        if isinstance(value, _Global):
            out.write(f"c{value.module}\n{value.name}\n".encode())
        elif isinstance(value, _Pickled):
            out.write(f"c{value.module}\n{value.name}\n".encode())
            write(value.args)
            out.write(b"R")
        elif isinstance(value, _Storage):
            write(value.pid)
            out.write(b"Q")
        elif isinstance(value, tuple):
            out.write(b"(")
            for item in value:
                write(item)
            out.write(b"t")
        elif isinstance(value, dict):
            out.write(b"}(")
            for key, item in value.items():
                write(key)
                write(item)
            out.write(b"u")
        else:
            plain = pickle.dumps(value, protocol=2)
            out.write(plain[2:-1])

    write(value)
    out.write(b".")
    return out.getvalue()


def _legacy(path, content, storages):
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    parts = [_dumps(part) for part in (0x1950A86A20F9469CFC6C, 1001, facts, content)]
    parts.append(_dumps(list(storages)))
    raw = [struct.pack("<q", len(values)) + values.tobytes() for values in storages.values()]
    path.write_bytes(b"".join(parts + raw))
    return path


def _zip(path, content, storages):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _dumps(content))
        archive.writestr("archive/byteorder", "little")
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", "3\n")
    return path


@pytest.fixture(params=[_legacy, _zip], ids=["legacy", "zip"])
def write(request):
    return request.param


def test_values_strides_offsets_and_the_module_prefix(write, tmp_path):
    content = {
        "module.a.weight": _tensor(_Storage("FloatStorage", "0", 12), 0, (3, 4), (4, 1)),
        "module.a.turned": _tensor(_Storage("FloatStorage", "0", 12), 0, (4, 3), (1, 4)),
        "module.a.part": _tensor(_Storage("FloatStorage", "0", 12), 5, (2, 2), (4, 2)),
        "module.count": _tensor(_Storage("LongStorage", "1", 1), 0, (), ()),
        "module.none": _tensor(_Storage("FloatStorage", "0", 12), 0, (0, 3), (3, 1)),
    }
    path = write(tmp_path / "w.pth", content, {"0": VALUES, "1": np.array([7], "<i8")})
    state = read_state_dict(path)
    assert list(state) == ["a.weight", "a.turned", "a.part", "count", "none"]
    np.testing.assert_array_equal(state["a.weight"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(state["a.turned"], VALUES.reshape(3, 4).T)
    np.testing.assert_array_equal(state["a.part"], [[5, 7], [9, 11]])
    assert state["count"] == 7
    assert state["count"].shape == ()
    assert state["none"].shape == (0, 3)


def test_half_bfloat16_and_a_parameter_under_state_dict(write, tmp_path):
    half = np.array([0.5, -2.0], "<f2")
    bfloat = np.array([0x3FC0, 0xC040], "<u2")  # 1.5 and -3
    parameter = _Pickled(
        "torch._utils",
        "_rebuild_parameter",
        _tensor(_Storage("HalfStorage", "h", 2), 0, (2,), (1,)),
        True,
        _Pickled("collections", "OrderedDict"),
    )
    content = {
        "epoch": 3,
        "state_dict": {
            "h": parameter,
            "b": _tensor(_Storage("BFloat16Storage", "b", 2), 0, (2,), (1,)),
        },
    }
    state = read_state_dict(write(tmp_path / "w.pth", content, {"h": half, "b": bfloat}))
    np.testing.assert_array_equal(state["h"], half)
    np.testing.assert_array_equal(state["b"], np.float32([1.5, -3.0]))
    assert state["h"].dtype == np.float16
    assert state["b"].dtype == np.float32


def test_legacy_view_of_a_storage(tmp_path):
    view = _Storage("FloatStorage", "0", 12, ("1", 4, 6))
    content = {"a": _tensor(view, 1, (2,), (3,))}
    state = read_state_dict(_legacy(tmp_path / "w.pth", content, {"0": VALUES}))
    np.testing.assert_array_equal(state["a"], [5, 8])


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("collections", "Counter")],
)
def test_a_foreign_global_is_refused_and_not_called(write, tmp_path, module, name):
    trace = tmp_path / "trace"
    content = {"a": _Pickled(module, name, f"touch {trace}")}
    path = write(tmp_path / "w.pth", content, {})
    with pytest.raises(InputError, match=rf"w\.pth: refused.* {module}\.{name},") as error:
        read_state_dict(path)
    assert "\n" not in str(error.value)
    assert not trace.exists()


def test_every_truncation_is_one_line(write, tmp_path):
    content = {"a": _tensor(_Storage("FloatStorage", "0", 12), 0, (3, 4), (4, 1))}
    path = write(tmp_path / "w.pth", content, {"0": VALUES})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="not a whole PyTorch checkpoint") as error:
            read_state_dict(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((13,), (1,), 0), ((2,), (12,), 0), ((1,), (1,), 12), ((4, 4), (0, 1), 0), ((2,), (-1,), 3)],
)
def test_a_tensor_beyond_its_storage_is_refused(write, tmp_path, size, stride, offset):
    content = {"a": _tensor(_Storage("FloatStorage", "0", 12), offset, size, stride)}
    with pytest.raises(InputError, match="not a whole PyTorch checkpoint"):
        read_state_dict(write(tmp_path / "w.pth", content, {"0": VALUES}))


def test_what_is_no_state_dict(write, tmp_path):
    for content in ([1, 2], {}, {"a": 1}, {"state_dict": 3}):
        with pytest.raises(InputError, match="not a whole PyTorch checkpoint"):
            read_state_dict(write(tmp_path / "w.pth", content, {}))
    (tmp_path / "text.pth").write_text("<html>404</html>")
    with pytest.raises(InputError, match="not a whole PyTorch checkpoint"):
        read_state_dict(tmp_path / "text.pth")
    with pytest.raises(InputError, match="cannot be read"):
        read_state_dict(tmp_path / "missing.pth")
