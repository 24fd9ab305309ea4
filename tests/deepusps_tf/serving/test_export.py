import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import deepusps_tf
from data_prep.pictures.images import encode_png
from deepusps_tf.labels.crf import refine
from deepusps_tf.serving.export import export_model
from deepusps_tf.serving.graph_refinement import refine_in_graph
from deepusps_tf.serving.model_card import CARD_FILE, card_text
from deepusps_tf.serving.model_facts import read_facts
from deepusps_tf.serving.signatures import ServingModule
from deepusps_tf.settings.places import exported_versions
from tests.deepusps_tf.conftest import SIDE as SIZE
from tests.deepusps_tf.conftest import disc_photo, tiny_model
from tests.deepusps_tf.serving.described import FACTS


@pytest.fixture(scope="module")
def network():
    return tiny_model(backbone="", size=SIZE)  # of the seed of `exported`


@pytest.fixture(scope="module")
def signatures(exported):
    return tf.saved_model.load(str(exported / "1")).signatures


def test_tensor_signature_equals_the_network(signatures, network):
    photos = np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    served = signatures["tensor"](image=tf.constant(photos))["probability"].numpy()
    assert np.abs(served - network(photos, training=False).numpy()).max() < 1e-5


@pytest.mark.parametrize("shape", [(1, 20, 50), (2, 77, 33)])
def test_tensor_signature_takes_any_size(signatures, shape):
    served = signatures["tensor"](image=tf.zeros((*shape, 3)))["probability"]
    assert served.shape == (*shape, 1)


def test_encoded_photos_of_different_sizes(signatures):
    photos = [disc_photo(0)[0], disc_photo(1)[0][:25]]
    served = signatures["serving_default"](bytes=tf.constant([encode_png(p) for p in photos]))
    assert served["probability"].shape == (2, SIZE, SIZE, 1)
    for png, photo in zip(served["mask_bytes"].numpy(), photos, strict=True):
        mask = tf.io.decode_png(png).numpy()
        assert mask.shape == (*photo.shape[:2], 1)
        assert set(np.unique(mask)) <= {0, 255}


def test_encoded_and_decoded_photos_agree(signatures):
    photo = disc_photo(2)[0]
    encoded = signatures["serving_default"](bytes=tf.constant([encode_png(photo)]))
    decoded = signatures["tensor"](image=tf.constant(photo[None], tf.float32))
    at_own_size = tf.image.resize(encoded["probability"], photo.shape[:2])
    assert np.abs(at_own_size.numpy() - decoded["probability"].numpy()).max() < 1e-5


def test_empty_batch_gives_an_empty_answer(signatures):
    served = signatures["tensor"](image=tf.zeros((0, 24, 24, 3)))["probability"]
    assert served.shape == (0, 24, 24, 1)


@pytest.fixture(scope="module")
def refining(network, tmp_path_factory):
    """The folder of an export whose graph refines."""
    folder = tmp_path_factory.mktemp("refining")
    export_model(network=network, size=SIZE, folder=folder, facts=FACTS)
    return folder


def test_the_graph_refines_what_it_answers_unless_asked_not_to(refining, network):
    signatures = tf.saved_model.load(str(refining / "1")).signatures
    photos = np.stack([disc_photo(number)[0][:SIZE, :SIZE] for number in range(3)])
    image = tf.constant(photos, tf.float32)
    raw = network(image, training=False)
    expected = refine_in_graph(raw, image, FACTS.crf, SIZE).numpy()
    assert np.abs(expected - raw).max() > 0.05
    encoded = {"bytes": tf.constant([encode_png(photo) for photo in photos])}
    for name, given, answer in (
        ("tensor", {"image": image}, expected),
        ("tensor_uint8", {"image": tf.constant(photos)}, expected),
        ("serving_default", encoded, expected),
        ("tensor_unrefined", {"image": image}, raw),
        ("unrefined", encoded, raw),
    ):
        outputs = signatures[name](**given)
        np.testing.assert_allclose(outputs["probability"], answer, atol=1e-4, err_msg=name)
        for png, probability in zip(outputs.get("mask_bytes", ()), answer, strict=False):
            np.testing.assert_array_equal(tf.io.decode_png(png) > 0, probability > 0.5)


def test_python_refines_what_the_network_predicts_once(refining, network):
    photo = disc_photo(4)[0][:SIZE, :SIZE]
    raw = network(photo[None].astype(np.float32), training=False).numpy()[0, ..., 0]
    model = deepusps_tf.load(refining)
    np.testing.assert_allclose(model.predict(photo), refine(photo, raw, FACTS.crf), atol=1e-4)
    model.crf = None
    np.testing.assert_allclose(model.predict(photo), raw, atol=1e-5)


def test_an_export_of_old_has_no_other_signatures_and_loads(network, exported, tmp_path):
    module = ServingModule(network, SIZE)
    names = ("serving_default", "tensor", "tensor_uint8")
    old = {name: module.signatures[name] for name in names}
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=old)
    photo = disc_photo(5)[0]
    by_old, by_new = (deepusps_tf.load(path).predict(photo) for path in (tmp_path, exported))
    np.testing.assert_array_equal(by_old, by_new)


def test_garbage_is_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError):
        signatures["serving_default"](bytes=tf.constant([b"not a photo"]))


def test_next_export_leaves_the_first_alone(exported, network, tmp_path):
    first = shutil.copytree(exported / "1", tmp_path / "1")
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
    second = export_model(network=network, size=SIZE, folder=tmp_path, facts=FACTS)
    assert second == tmp_path / "2"
    assert exported_versions(tmp_path) == [1, 2]
    assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == before
    assert read_facts(first) is None and read_facts(second) == FACTS
    assert (second / CARD_FILE).read_text(encoding="utf-8") == card_text(FACTS)


@pytest.mark.slow
def test_loads_where_this_package_is_not_imported(exported):
    code = (
        "import sys, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(exported / '1')!r})\n"
        "out = model.signatures['tensor'](image=tf.zeros([1, 40, 48, 3]))\n"
        "assert out['probability'].shape == (1, 40, 48, 1)\n"
        "assert not any(name.startswith('deepusps') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/", env={"PATH": "/usr/bin"})
