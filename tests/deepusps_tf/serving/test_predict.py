import os
import shutil

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from deepusps_tf.labels.crf import RELEASE_SETTINGS, refine
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.serving.export import export_model
from deepusps_tf.serving.predict import predict_photos
from deepusps_tf.serving.saliency_model import load_model
from tests.deepusps_tf.conftest import disc_photo, tiny_model


@pytest.fixture(scope="module")
def model(exported):
    return load_model(exported)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(disc_photo(number)[0][: 40 - number]).save(folder / f"a photo {number}.png")
    return folder


def predict(model, images, output, kind="mask", pool=None, **options):
    return predict_photos(
        model=model, images=images, output=output, kind=kind, pool=pool, **options
    )


def pixels(path):
    return np.asarray(Image.open(path))


def test_each_kind_at_the_photos_own_size(model, photos, tmp_path):
    for kind in ("mask", "probability", "cutout"):
        summary = predict(model, photos, tmp_path / kind, kind)
        assert (summary.written, summary.kept, summary.skipped) == (3, 0, {})
    for number in range(3):
        name = f"a photo {number}.png"
        photo = pixels(photos / name)
        probability = model.predict(photo)
        assert probability.shape == (40 - number, 48) and probability.dtype == np.float32
        assert np.array_equal(pixels(tmp_path / "mask" / name), 255 * (probability > 0.5))
        grey = np.rint(255 * probability)
        assert np.array_equal(pixels(tmp_path / "probability" / name), grey)
        assert np.array_equal(pixels(tmp_path / "cutout" / name), np.dstack([photo, grey]))


def test_crf_refines_the_probability(model, photos, tmp_path):
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        predict(model, photos, tmp_path / "out", "probability", pool)
    photo = pixels(photos / "a photo 0.png")
    expected = np.rint(255 * refine(photo, model.predict(photo)))
    assert np.array_equal(pixels(tmp_path / "out/a photo 0.png"), expected)


def test_one_photo_alone(model, photos, tmp_path):
    assert predict(model, photos / "a photo 1.png", tmp_path / "out").written == 1
    assert pixels(tmp_path / "out/a photo 1.png").shape == (39, 48)


def test_resumes(model, photos, tmp_path):
    predict(model, photos, tmp_path / "out")
    (tmp_path / "out/a photo 1.png").unlink()
    summary = predict(model, photos, tmp_path / "out")
    assert (summary.written, summary.kept) == (1, 2)


def test_pictures_of_another_kind_are_not_kept(model, photos, tmp_path):
    predict(model, photos, tmp_path / "out")
    with pytest.raises(InputError, match="a photo 0.png: was made by another model, with other s"):
        predict(model, photos, tmp_path / "out", "cutout")
    with pytest.raises(InputError, match="by another program"):
        predict(model, photos, photos)


def test_pictures_of_another_folders_photos_are_not_kept(model, photos, tmp_path):
    predict(model, photos, tmp_path / "out")
    others = tmp_path / "others"
    others.mkdir()
    shutil.copy2(photos / "a photo 1.png", others)
    with pytest.raises(InputError, match=r"a photo 1.png: .* of another folder's photos"):
        predict(model, others, tmp_path / "out")
    assert predict(model, photos / "a photo 2.png", tmp_path / "out").kept == 1


def test_pictures_of_a_model_made_anew_are_not_kept(exported, photos, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "export")
    assert predict(load_model(folder), photos, tmp_path / "out").written == 3
    shutil.rmtree(folder)
    network = tiny_model(backbone="", size=32)
    network.set_weights([1 + weight for weight in network.get_weights()])
    export_model(network=network, size=32, folder=folder)
    with pytest.raises(InputError, match="a photo 0.png: was made by another model"):
        predict(load_model(folder), photos, tmp_path / "out")


def test_a_photo_changed_since_is_predicted_again(model, photos, tmp_path):
    predict(model, photos, tmp_path / "out")
    photo, picture = photos / "a photo 1.png", tmp_path / "out/a photo 1.png"
    Image.fromarray(disc_photo(1)[0][:20]).save(photo)
    os.utime(photo, ns=(0, 0))  # as of a copy that keeps the time of an older photo
    summary = predict(model, photos, tmp_path / "out")
    assert (summary.written, summary.kept) == (1, 2)
    assert pixels(picture).shape == (20, 48)


def test_a_photo_touched_since_is_kept(model, photos, tmp_path):
    predict(model, photos, tmp_path / "out")
    for photo in photos.iterdir():
        os.utime(photo)
    assert predict(model, photos, tmp_path / "out").kept == 3


def test_broken_photo_among_good_ones_is_left_out(model, photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 cut")
    summary = predict(model, photos, tmp_path / "out")
    assert summary.written == 3
    assert [path.name for path in summary.skipped] == ["broken.jpg"]


def add(path, number):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(disc_photo(number)[0]).save(path)


def made_in(output):
    return sorted(str(path.relative_to(output)) for path in output.rglob("*.png"))


def test_photos_in_subfolders_are_mirrored(model, photos, tmp_path):
    add(photos / "sub/a photo 1.jpg", 7)
    summary = predict(model, photos, tmp_path / "out", recursive=True)
    assert summary.written == 4
    names = [*(f"a photo {number}.png" for number in range(3)), "sub/a photo 1.png"]
    assert made_in(tmp_path / "out") == names
    expected = 255 * (model.predict(pixels(photos / "sub/a photo 1.jpg")) > 0.5)
    assert np.array_equal(pixels(tmp_path / "out/sub/a photo 1.png"), expected)
    assert predict(model, photos, tmp_path / "out", recursive=True).kept == 4
    assert predict(model, photos, tmp_path / "top").written == 3
    assert made_in(tmp_path / "top") == names[:3]


def test_output_among_the_photos_is_not_taken_for_photos(model, photos):
    for kind in ("mask", "cutout"):
        summary = predict(model, photos, photos / f"all {kind}s", kind, recursive=True)
        assert summary.written == 3
        summary = predict(model, photos, photos / f"all {kind}s", kind, recursive=True)
        assert (summary.written, summary.kept) == (0, 3)
    reasons = {"all masks": "made by predict", "all cutouts": "made by predict"}
    assert summary.passed_over.reasons == reasons
    assert predict(model, photos / "all cutouts", photos / "anew").written == 3


def test_output_beside_the_photos_is_not_taken_for_photos(model, tmp_path):
    for name in ("a.jpg", "sub/b.jpg"):
        (tmp_path / "photos").mkdir(exist_ok=True)
        add(tmp_path / "photos" / name, 1)
    for counts in ((2, 0), (0, 2)):
        summary = predict(model, tmp_path / "photos", tmp_path / "photos", recursive=True)
        assert (summary.written, summary.kept) == counts
    assert summary.passed_over.reasons == {
        "a.png": "made by predict",
        "sub/b.png": "made by predict",
    }
    assert made_in(tmp_path / "photos") == ["a.png", "sub/b.png"]


def test_one_photo_to_the_file_that_is_named(model, photos, tmp_path):
    mask = tmp_path / "new/mask.png"
    for number in (1, 2):
        assert predict(model, photos / f"a photo {number}.png", mask).written == 1
        assert pixels(mask).shape == (40 - number, 48)
    assert [path.name for path in mask.parent.iterdir()] == ["mask.png"]
    before = (photos / "a photo 1.png").read_bytes()
    for photo in ("a photo 1.png", "a photo 2.png"):
        with pytest.raises(InputError, match="a photo 1.png: was made by another program"):
            predict(model, photos / photo, photos / "a photo 1.png")
    assert (photos / "a photo 1.png").read_bytes() == before
