import dataclasses
import zipfile

import keras
import numba
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.base.errors import InputError
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.serving.graph_refinement import refine_in_graph
from deepusps_tf.serving.model_facts import NONE, parse_facts
from deepusps_tf.serving.portable import (
    MEAN,
    ROUNDED,
    SIDE,
    STD,
    WRITERS,
    resizing_matrix,
    write_portable,
)
from tests.deepusps_tf.conftest import disc_photo
from tests.deepusps_tf.networks.shallow import LITE
from tests.deepusps_tf.serving.described import FACTS

SIZE = 64


@pytest.fixture(scope="module")
def network():
    return build_model(backbone=LITE, size=SIZE)


@pytest.fixture(scope="module")
def photos():
    random = np.random.default_rng(0)
    return random.uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)


def written(network, folder, form):
    path = write_portable(network=network, size=SIZE, folder=folder, form=form, facts=FACTS)
    assert [path] == list(folder.iterdir()) and path.name == WRITERS[form][0]
    return path


def test_keras_file_is_the_network(network, photos, tmp_path):
    path = written(network, tmp_path, "keras")
    again = keras.models.load_model(path)
    assert np.array_equal(again(photos), network(photos))
    told = parse_facts(zipfile.ZipFile(path).read("model.json"))
    assert told == dataclasses.replace(FACTS, served_refinement="none")


def test_half_keras_file_is_the_folded_network_in_half_precision(network, photos, tmp_path):
    path = written(network, tmp_path, "keras_half")
    again = keras.models.load_model(path)
    assert not [each for each in again.layers if isinstance(each, keras.layers.BatchNormalization)]
    for rounded, weight in zip(
        again.get_weights(), inference_twin(network).get_weights(), strict=True
    ):
        assert rounded.dtype == np.float32
        np.testing.assert_array_equal(rounded, weight.astype(np.float16).astype(np.float32))
    assert np.abs(again(photos) - network(photos)).max() < 2e-3
    facts = parse_facts(zipfile.ZipFile(path).read("model.json"))
    limits = (*FACTS.limits, ROUNDED)
    assert facts == dataclasses.replace(FACTS, limits=limits, served_refinement=NONE)


def test_weights_beyond_half_precision_are_refused(tmp_path):
    image = keras.Input((8, 8, 3))
    large = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(7e4))
    with pytest.raises(InputError, match="--format=keras_half: a weight is beyond 65504"):
        write_portable(
            network=keras.Model(image, large(image)), size=8, folder=tmp_path, form="keras_half"
        )
    assert not list(tmp_path.iterdir())


def test_weights_file_is_the_network(network, photos, tmp_path):
    again = build_model(backbone=LITE, size=SIZE, seed=1)
    again.load_weights(written(network, tmp_path, "weights"))
    assert np.array_equal(again(photos), network(photos))


@pytest.mark.slow
def test_litert_file_predicts_the_same(network, photos, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    path = written(network, tmp_path, "litert")
    runner = interpreter.Interpreter(str(path)).get_signature_runner()
    for photo in photos:
        (probability,) = runner(image=photo[None]).values()
        expected = refine_in_graph(network(photo[None]), photo[None], FACTS.crf, SIZE)
        assert np.abs(probability - expected).max() < 1e-4
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(path.read_bytes())
    entries = map(model.Metadata, range(model.MetadataLength()))
    buffers = {entry.Name(): model.Buffers(entry.Buffer()) for entry in entries}
    assert parse_facts(buffers[b"model.json"].DataAsNumpy().tobytes()) == FACTS


def test_resizing_matrix_is_the_resizing():
    picture = np.random.default_rng(0).random((1, 40, 40, 3), np.float32)
    for target, method in ((16, "bicubic"), (100, "bilinear")):
        matrix = resizing_matrix(40, target, method)
        resized = np.einsum("mh,bhwc,nw->bmnc", matrix, picture, matrix)
        expected = tf.image.resize(picture, (target, target), method=method, antialias=True)
        assert np.abs(resized - expected).max() < 1e-5


@pytest.fixture(scope="module")
def onnx_path(network, tmp_path_factory):
    for package in ("tf2onnx", "onnxruntime"):
        pytest.importorskip(package)
    return written(network, tmp_path_factory.mktemp("onnx"), "onnx")


def expected_of(network, pictures: np.ndarray) -> np.ndarray:
    """What the ONNX file is to give of pictures [B, SIDE, SIDE, 3]: float32 [B, SIDE, SIDE]."""
    pictures = tf.constant(pictures, tf.float32)
    square = tf.image.resize(pictures, (SIZE, SIZE), method="bicubic", antialias=True)
    probability = network(tf.clip_by_value(square, 0.0, 255.0))
    large = tf.image.resize(probability, (SIDE, SIDE))
    return refine_in_graph(large, pictures, FACTS.crf, SIDE).numpy()[..., 0]


@pytest.mark.slow
def test_onnx_file_predicts_the_same(network, onnx_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(onnx_path, providers=["CPUExecutionProvider"])
    pictures = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    assert parse_facts(session.get_modelmeta().custom_metadata_map["model.json"]) == FACTS
    normalised = ((pictures / 255 - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
    (probability,) = session.run(["probability"], {"image": normalised})
    assert probability.shape == (2, 1, SIDE, SIDE)
    assert np.abs(probability[:, 0] - expected_of(network, pictures)).max() < 1e-4


@pytest.mark.slow
def test_rembg_takes_the_onnx_file(network, onnx_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)  # pymatting, which this leaves unused
        rembg = pytest.importorskip("rembg")
    monkeypatch.setenv("REMBG_HOME", str(onnx_path.parent))  # it loads no model from elsewhere
    session = rembg.new_session("u2net_custom", model_path=str(onnx_path))
    photo = Image.fromarray(disc_photo(0)[0]).resize((SIDE, SIDE))
    mask = np.asarray(rembg.remove(photo, session=session, only_mask=True), float)
    pixels = np.asarray(photo, np.float32)[None] * (255 / np.asarray(photo).max())  # as rembg does
    (expected,) = expected_of(network, pixels)
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    assert np.abs(mask / 255 - expected).max() < 0.01
