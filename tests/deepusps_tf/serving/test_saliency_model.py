import shutil

import numpy as np
import pytest
import tensorflow as tf

import deepusps_tf
from data_prep.base.errors import InputError
from deepusps_tf.serving.export import export_model
from deepusps_tf.serving.saliency_model import wrap_network
from tests.deepusps_tf.conftest import disc_photo, tiny_model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    export_model(network=tiny_model(backbone="", size=32), size=32, folder=folder)
    return folder


def test_predicts_what_the_signature_serves(exported):
    photos = [disc_photo(0)[0], disc_photo(1)[0][:25, :31]]
    signature = tf.saved_model.load(str(exported / "1")).signatures["tensor"]
    for predicted, photo in zip(
        deepusps_tf.load(exported).predict_batch(photos), photos, strict=True
    ):
        served = signature(image=tf.constant(photo[None], tf.float32))["probability"]
        assert predicted.shape == photo.shape[:2]
        assert np.abs(predicted - served.numpy()[0, ..., 0]).max() < 1e-5


def test_a_network_and_its_export_predict_the_same_to_the_bit(exported):
    photos = [disc_photo(0)[0], disc_photo(1)[0][:25, :31], disc_photo(2)[0][:32, :32]]
    network = tiny_model(backbone="", size=32)  # of the seed of the export's
    for own, other in zip(
        wrap_network(network, 32).predict_batch(photos),
        deepusps_tf.load(exported).predict_batch(photos),
        strict=True,
    ):
        np.testing.assert_array_equal(own, other)


def test_the_latest_version_is_taken_and_one_may_be_named(exported, tmp_path):
    export_model(network=tiny_model(backbone="", size=32), size=32, folder=tmp_path)
    export_model(network=tiny_model(backbone="", size=32), size=32, folder=tmp_path)
    assert deepusps_tf.load(tmp_path).name == f"{tmp_path}/2"
    assert deepusps_tf.load(tmp_path / "1").name == f"{tmp_path}/1"


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (0, 4, 3)])
def test_what_is_no_photo_is_refused(exported, shape):
    with pytest.raises(ValueError, match="a photo must be an array"):
        deepusps_tf.load(exported).predict(np.zeros(shape, np.uint8))


def test_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(InputError, match="nothing: holds no exported model"):
        deepusps_tf.load(tmp_path / "nothing")


def test_damaged_model_is_named(exported, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1/saved_model.pb").write_bytes(b"cut")
    with pytest.raises(InputError, match="1: cannot be loaded"):
        deepusps_tf.load(tmp_path)


def test_the_fingerprint_is_of_what_is_held(exported, tmp_path):
    fingerprint = deepusps_tf.load(exported).fingerprint
    shutil.copytree(exported, tmp_path / "copy")
    assert deepusps_tf.load(tmp_path / "copy").fingerprint == fingerprint
    (tmp_path / "copy/1/fingerprint.pb").write_bytes(b"cut")
    with pytest.raises(InputError, match="1: cannot be loaded"):
        deepusps_tf.load(tmp_path / "copy")
    (tmp_path / "copy/1/fingerprint.pb").unlink()
    with pytest.raises(InputError, match="1: cannot be loaded"):
        deepusps_tf.load(tmp_path / "copy")
