import shutil
import weakref

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import deepusps_tf
from data_prep.base.errors import InputError
from data_prep.pictures.images import fit_within, read_rgb
from deepusps_tf.data.decoding import fit_square
from deepusps_tf.evaluation.folders import photo_outputs, photo_pairs
from deepusps_tf.labels.crf import refine
from deepusps_tf.serving import saliency_model
from deepusps_tf.serving.predict import predict_photos
from deepusps_tf.serving.saliency_model import SaliencyModel, wrap_network
from tests.deepusps_tf.conftest import disc_photo, tiny_model
from tests.deepusps_tf.photo_files import jpegs, turned_jpegs
from tests.deepusps_tf.serving.described import FACTS, describe


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


def test_an_export_refines_with_its_own_crf(exported, tmp_path, capsys):
    model = deepusps_tf.load(describe(exported, tmp_path / "model"))
    assert model.facts == FACTS and capsys.readouterr().err == ""
    photo = disc_photo(0)[0]
    (plain,) = model.predict_seen([model.see(photo)])
    refined = model.predict(photo)
    np.testing.assert_array_equal(refined, refine(photo, plain, FACTS.crf))
    assert np.abs(refined - plain).max() > 0.01
    np.testing.assert_array_equal(model.cutout(photo)[..., 3], np.rint(255 * refined))
    large = np.asarray(Image.fromarray(photo).resize((700, 500)))
    for given in (photo, photo.astype(np.float32), large):
        np.testing.assert_array_equal(model.predict_batch([given])[0], model.predict(given))
    model.crf = None
    np.testing.assert_array_equal(model.predict(photo), plain)


def test_the_latest_version_is_taken_and_one_may_be_named(exported, tmp_path):
    for version in ("1", "2"):
        shutil.copytree(exported / "1", tmp_path / version)
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


def large_photos(folder):
    """Writes JPEGs of 600 x 900 pixels, upright and turned, and masks of theirs."""
    photos = jpegs(600, 900) | turned_jpegs(600, 900)
    for name in ("photos", "masks"):
        (folder / name).mkdir()
    for number, photo in enumerate(photos.values()):
        path = folder / f"photos/{number:02}.jpg"
        path.write_bytes(photo)
        Image.new("L", read_rgb(path).shape[1::-1], 255).save(folder / f"masks/{number:02}.png")
    return sorted((folder / "photos").iterdir())


def test_all_that_predict_show_the_network_one_square_made_of_all_pixels(tmp_path):
    seen = []

    def remember(squares):
        seen.extend(squares.numpy())
        return squares[..., :1] / 255

    model = SaliencyModel(remember, 32, "remembers what it sees")
    paths = large_photos(tmp_path)
    expected = np.stack([fit_square(read_rgb(path), 32) for path in paths])

    def assert_seen():
        np.testing.assert_array_equal(np.stack(seen), expected)
        seen.clear()

    for form in (str, lambda path: path.read_bytes(), Image.open, read_rgb):
        for path in paths:
            model.predict(form(path))
        assert_seen()
    model.predict_batch([read_rgb(path) for path in paths])
    assert_seen()
    options = {"model": model, "images": tmp_path / "photos", "pool": None}
    predict_photos(kind="cutout", output=tmp_path / "cut", **options)
    assert_seen()
    pairs = photo_pairs(tmp_path / "photos", tmp_path / "masks")
    for outputs, mask in photo_outputs(pairs, model=model, pool=None, queue=8):
        assert outputs["prediction"].shape == mask.shape
    assert_seen()


def test_large_photos_are_refined_at_512_pixels(exported, tmp_path):
    model = deepusps_tf.load(exported)
    for path in large_photos(tmp_path):
        rgb, seen = read_rgb(path), model.see(path)
        assert seen.size == rgb.shape[:2] and max(seen.rgb.shape) == 512
        np.testing.assert_array_equal(seen.rgb, fit_within(rgb, 512))
        assert model.predict_seen([seen])[0].shape == seen.rgb.shape[:2]


def test_one_large_photo_is_held_at_a_time(exported, tmp_path, monkeypatch):
    large_photos(tmp_path)
    read, held = saliency_model.photo_rgb, []

    def watch(photo):
        assert [each for each in held if each() is not None] == []
        rgb = read(photo)
        held.append(weakref.ref(rgb))
        return rgb

    monkeypatch.setattr(saliency_model, "photo_rgb", watch)
    model = deepusps_tf.load(exported)
    predict_photos(
        model=model, images=tmp_path / "photos", output=tmp_path / "out", kind="mask", pool=None
    )
    pairs = photo_pairs(tmp_path / "photos", tmp_path / "masks")
    assert len(list(photo_outputs(pairs, model=model, pool=None, queue=8))) == len(pairs)
    assert len(held) == 2 * len(pairs)
