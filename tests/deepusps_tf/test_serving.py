import base64
import io
import json
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from deepusps_tf.export import WARM_UP, export_model
from deepusps_tf.records import encode_png
from deepusps_tf.serving import MAX_PIXELS, declared_pixels
from tests.deepusps_tf.conftest import disc_photo, tiny_model

SIZE = 32


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("salient")
    return export_model(network=tiny_model(backbone="", size=SIZE), size=SIZE, folder=folder)


@pytest.fixture(scope="module")
def served(exported):
    return tf.saved_model.load(str(exported))


def answer(served, request: predict_pb2.PredictRequest) -> dict[str, np.ndarray]:
    """Does what the model server does with a request: looks up tensors by the signature."""
    function = served.signatures[request.model_spec.signature_name]
    _, expected = function.structured_input_signature
    assert set(request.inputs) == set(expected)
    tensors = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
    for name, spec in expected.items():
        assert spec.is_compatible_with(tf.constant(tensors[name], spec.dtype))
        assert request.inputs[name].dtype == spec.dtype.as_datatype_enum
    outputs = function(**{name: tf.constant(value) for name, value in tensors.items()})
    return {name: value.numpy() for name, value in outputs.items()}


def predict_request(signature: str, **inputs) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "salient", signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return predict_pb2.PredictRequest.FromString(request.SerializeToString())


def test_answers_a_predict_request(served):
    photos = [disc_photo(0)[0], disc_photo(1)[0][:25]]
    request = predict_request("serving_default", bytes=[encode_png(photo) for photo in photos])
    assert request.inputs["bytes"].dtype == types_pb2.DT_STRING
    outputs = answer(served, request)
    assert outputs["probability"].shape == (2, SIZE, SIZE, 1)
    masks = [np.asarray(Image.open(io.BytesIO(png))) for png in outputs["mask_bytes"]]
    assert [mask.shape for mask in masks] == [(40, 48), (25, 48)]


def test_both_tensor_signatures_agree(served):
    photo = disc_photo(0)[0][None]
    floats = answer(served, predict_request("tensor", image=photo.astype(np.float32)))
    bytes_ = answer(served, predict_request("tensor_uint8", image=photo))
    assert np.array_equal(floats["probability"], bytes_["probability"])


def test_answers_a_rest_request(served):
    photo = encode_png(disc_photo(0)[0])
    body = json.dumps({"instances": [{"bytes": {"b64": base64.b64encode(photo).decode()}}]})
    rows = [base64.b64decode(row["bytes"]["b64"]) for row in json.loads(body)["instances"]]
    outputs = answer(served, predict_request("serving_default", bytes=rows))
    # The server encodes text as it is and names that end in _bytes in base64.
    text = {n: v for n, v in outputs.items() if v.dtype == object}
    assert set(text) == {"mask_bytes"}
    reply = {"probability": outputs["probability"][0].tolist()}
    reply["mask_bytes"] = {"b64": base64.b64encode(outputs["mask_bytes"][0]).decode()}
    assert np.shape(json.loads(json.dumps(reply))["probability"]) == (SIZE, SIZE, 1)


def test_warm_up_requests_can_be_answered(exported, served):
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(exported / WARM_UP))
    ]
    requests = [log.predict_log.request for log in logs]
    assert {request.model_spec.signature_name for request in requests} == set(served.signatures)
    for request in requests:
        assert request.model_spec.name == exported.parent.name
        assert answer(served, request)["probability"].shape[0] == 1


def encoded(kind: str, size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_size_is_read_from_the_header(kind):
    assert declared_pixels(tf.constant(encoded(kind, (31, 7)))).numpy() == 31 * 7


@pytest.mark.parametrize("photo", [b"", b"\x89PNG", b"GIF89a", b"text that is no photo at all"])
def test_what_is_no_photo_declares_nothing(photo):
    assert declared_pixels(tf.constant(photo)).numpy() == 0


def png_bomb(side: int) -> bytes:
    """A small PNG file that declares side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "photo",
    [
        b"",
        b"not a photo",
        encoded("PNG", (20, 20))[:60],
        encoded("JPEG", (20, 20))[:100],
        png_bomb(30_000),
        png_bomb(2**31 - 1),
    ],
    ids=["empty", "text", "cut PNG", "cut JPEG", "bomb", "largest bomb"],
)
def test_hostile_photos_are_refused(served, photo):
    with pytest.raises(tf.errors.InvalidArgumentError):
        served.signatures["serving_default"](bytes=tf.constant([photo]))


def test_bomb_is_refused_by_its_header(served):
    with pytest.raises(tf.errors.InvalidArgumentError, match="900000000"):
        served.signatures["serving_default"](bytes=tf.constant([png_bomb(30_000)]))
    assert MAX_PIXELS < 30_000**2


def test_wrong_type_is_refused(served):
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        served.signatures["serving_default"](bytes=tf.zeros([1, 8, 8, 3]))
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        served.signatures["tensor"](image=tf.constant(["text"]))
