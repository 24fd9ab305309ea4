import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import deepusps_tf
from data_prep.base.errors import InputError
from deepusps_tf.serving.export import export_model
from deepusps_tf.serving.predict import predict_photos
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
    model = deepusps_tf.load(exported)
    with pytest.raises(ValueError, match="a photo must be an array"):
        model.predict_batch([np.zeros(shape, np.uint8)])
    with pytest.raises(ValueError, match="a photo must be an array"):
        model.predict(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(TypeError, match="a photo must be a path, .*, not list"):
        model.predict([1, 2])


@pytest.mark.parametrize("size", [(48, 40), (700, 500)])
def test_predicts_and_cuts_out_what_the_command_writes(exported, tmp_path, size):
    model = deepusps_tf.load(exported)
    (tmp_path / "photos").mkdir()
    opacity = Image.linear_gradient("L").resize(size)
    photo = Image.fromarray(disc_photo(0)[0]).resize(size)
    photo.putalpha(opacity)
    photo.save(tmp_path / "photos/clear.png")
    photo.convert("RGB").save(tmp_path / "photos/plain.jpg")
    options = {"model": model, "images": tmp_path / "photos", "pool": None}
    predict_photos(kind="probability", output=tmp_path / "maps", **options)
    predict_photos(kind="cutout", output=tmp_path / "cut", **options)
    for path in (tmp_path / "photos").iterdir():
        written = np.asarray(Image.open(tmp_path / f"maps/{path.stem}.png"))
        for given in (path, path.read_bytes()):
            probability = model.predict(given)
            assert probability.dtype == np.float32
            # Of other batches the sums' last bit may differ, and round another way.
            np.testing.assert_allclose(255 * probability, written, atol=0.501)
            cut, file = (
                model.cutout(given),
                np.asarray(Image.open(tmp_path / f"cut/{path.stem}.png")),
            )
            np.testing.assert_array_equal(cut[..., :3], file[..., :3])
            np.testing.assert_allclose(cut[..., 3].astype(int), file[..., 3], atol=1)
        assert cut.dtype == np.uint8 and 0 < probability.max() < 1
    cut = model.cutout(np.asarray(photo))
    assert (cut[..., 3] <= np.asarray(opacity)).all() and cut[..., 3].any()


def test_an_array_of_floats_is_the_photo_of_bytes(exported):
    model, photo = deepusps_tf.load(exported), disc_photo(3)[0]
    expected = model.predict_batch([photo])[0]
    for given in (photo, photo / 255, photo.astype(np.float32), photo.astype(np.uint16) * 257):
        np.testing.assert_array_equal(model.predict(given), expected)


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
