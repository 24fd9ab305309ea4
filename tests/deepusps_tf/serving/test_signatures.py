import base64
import io
import json
import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from data_prep.pictures.images import encode_png, read_rgb
from deepusps_tf.serving.export import WARM_UP, export_model
from deepusps_tf.serving.saliency_model import SaliencyModel
from deepusps_tf.serving.signatures import MAX_PIXELS
from tests.deepusps_tf.conftest import SIDE as SIZE
from tests.deepusps_tf.conftest import disc_photo
from tests.deepusps_tf.photo_files import (
    CORNERS,
    encoded,
    exif,
    jpegs,
    textured,
    turned,
    turned_jpegs,
)


@pytest.fixture(scope="module")
def served(exported):
    return tf.saved_model.load(str(exported / "1"))


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
        for record in tf.data.TFRecordDataset(str(exported / "1" / WARM_UP))
    ]
    requests = [log.predict_log.request for log in logs]
    assert {request.model_spec.signature_name for request in requests} == set(served.signatures)
    for request in requests:
        assert request.model_spec.name == exported.name
        assert answer(served, request)["probability"].shape[0] == 1


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
        encoded(CORNERS, "PNG")[:60],
        encoded(CORNERS, "JPEG")[:100],
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


@pytest.fixture(scope="module")
def brightness(tmp_path_factory):
    """An export that answers with 0.5 red + 0.3 green + 0.2 blue, so with what the network sees."""
    image = keras.Input((SIZE, SIZE, 3))
    mix = keras.layers.Conv2D(1, 1, use_bias=False)
    network = keras.Model(image, mix(image))
    mix.set_weights([np.array([0.5, 0.3, 0.2]).reshape(1, 1, 3, 1) / 255])
    folder = tmp_path_factory.mktemp("brightness")
    return tf.saved_model.load(str(export_model(network=network, size=SIZE, folder=folder)))


def by_tensor(served, rgb: np.ndarray) -> np.ndarray:
    photo = tf.constant(rgb[None], tf.float32)
    return served.signatures["tensor"](image=photo)["probability"][0].numpy()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_photos_are_seen_upright_as_in_training(brightness, tmp_path, order, kind):
    photos = [turned(orientation, order, kind) for orientation in range(1, 9)]
    answers = brightness.signatures["serving_default"](bytes=tf.constant(photos))
    for photo, seen, mask in zip(
        photos, *map(answers.get, ("probability", "mask_bytes")), strict=True
    ):
        (tmp_path / "photo").write_bytes(photo)
        rgb = read_rgb(tmp_path / "photo")
        expected = by_tensor(brightness, rgb)
        got = tf.image.resize(seen, rgb.shape[:2]).numpy()
        assert np.abs(got - expected).max() < 1e-4
        salient = tf.io.decode_png(mask).numpy()
        assert salient.shape == (*rgb.shape[:2], 1)
        assert np.array_equal(salient > 0, got > 0.5)
        assert 0 < salient.mean() < 128  # the white corner


@pytest.mark.parametrize(
    "size",
    [(SIZE, SIZE), (45, 61), (300, 7), (300, 200), (430, 600), (1500, 1010), (700, 4000)],
)
def test_a_jpeg_is_seen_to_the_bit_as_predicting_it_sees_it(brightness, size):
    predicting = SaliencyModel(lambda squares: squares[..., :1], SIZE, "shows what it sees")
    for kind, photo in (jpegs(*size) | turned_jpegs(*size)).items():
        seen = brightness.signatures["serving_default"](bytes=tf.constant([photo]))["probability"]
        square = predicting.see(photo).square.numpy()
        np.testing.assert_array_equal(seen[0].numpy(), by_tensor(brightness, square), kind)


def test_other_large_photos_are_seen_to_the_bit_as_predicting_them_sees_them(brightness):
    predicting = SaliencyModel(lambda squares: squares[..., :1], SIZE, "shows what it sees")
    picture = textured(900, 1300)
    clear = picture.copy()
    clear.putalpha(textured(900, 1300).convert("L"))
    photos = {
        "PNG": encoded(picture, "PNG"),
        "turned PNG": encoded(picture, "PNG", exif=b"Exif\0\0" + exif(7, ">")),
        "palette": encoded(picture.quantize(64), "PNG"),
        "RGBA": encoded(clear, "PNG"),
        "GIF": encoded(picture.quantize(64), "GIF"),
        "BMP": encoded(picture, "BMP"),
    }
    for kind, photo in photos.items():
        seen = brightness.signatures["serving_default"](bytes=tf.constant([photo]))["probability"]
        square = predicting.see(photo).square.numpy()
        np.testing.assert_array_equal(seen[0].numpy(), by_tensor(brightness, square), kind)


def test_a_cmyk_jpeg_is_refused(brightness):
    cmyk = encoded(Image.fromarray(CORNERS).convert("CMYK"), "JPEG")
    for photos in ([cmyk], [encoded(CORNERS, "JPEG"), cmyk]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="a CMYK JPEG is not served"):
            brightness.signatures["serving_default"](bytes=tf.constant(photos))


def test_damaged_exif_is_no_damage_to_the_answer(served):
    random = np.random.default_rng(0)
    photos = []
    for number in range(200):
        block = bytearray(exif(int(random.integers(1, 9)), "<>"[number % 2]))
        for place in random.integers(0, len(block), 3):
            block[place] = random.integers(0, 256)
        end = random.integers(0, len(block) + 1) if number % 3 == 0 else len(block)
        photos.append(encoded(CORNERS, "JPEG", exif=b"Exif\0\0" + bytes(block[:end])))
    answers = served.signatures["serving_default"](bytes=tf.constant(photos))
    assert np.isfinite(answers["probability"].numpy()).all()
    sides = {tf.io.decode_png(mask).shape[:2] for mask in answers["mask_bytes"].numpy()}
    assert {tuple(side) for side in sides} == {(32, 48), (48, 32)}


def translucent_pngs() -> dict[str, bytes]:
    """PNGs of SIZE x SIZE pixels of each way to have opacity, and of greys of few bits."""
    random = np.random.default_rng(0)
    rgba = Image.fromarray(random.integers(0, 256, (SIZE, SIZE, 4), np.uint8))
    grey = Image.fromarray(random.integers(0, 8, (SIZE, SIZE), np.uint8) * np.uint8(30))
    palette = rgba.convert("RGB").quantize(8)
    return {
        "RGBA": encoded(rgba, "PNG"),
        "grey and alpha": encoded(Image.merge("LA", rgba.split()[2:]), "PNG"),
        "a transparent grey": encoded(grey, "PNG", transparency=90),
        "a transparent colour": encoded(grey.convert("RGB"), "PNG", transparency=(90, 90, 90)),
        "a transparent palette entry": encoded(palette, "PNG", transparency=3),
        "palette with opacities": encoded(palette, "PNG", transparency=bytes(range(0, 240, 30))),
        "opaque palette": encoded(palette, "PNG"),
        "black and white": encoded(grey.convert("1"), "PNG"),
        "a transparent black": encoded(grey.convert("1"), "PNG", transparency=0),
        "turned RGBA": encoded(rgba, "PNG", exif=b"Exif\0\0" + exif(6, ">")),
    }


@pytest.mark.parametrize("name", translucent_pngs())
def test_opacity_lies_on_white_as_in_training(brightness, tmp_path, name):
    photo = translucent_pngs()[name]
    (tmp_path / "photo.png").write_bytes(photo)
    answers = brightness.signatures["serving_default"](bytes=tf.constant([photo]))
    expected = by_tensor(brightness, read_rgb(tmp_path / "photo.png"))
    assert np.abs(answers["probability"][0].numpy() - expected).max() < 1e-5
