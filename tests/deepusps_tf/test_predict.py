import numpy as np
import pytest
from PIL import Image

from data_prep.errors import InputError
from deepusps_tf.crf import RELEASE_SETTINGS
from deepusps_tf.export import export_model
from deepusps_tf.predict import predict_masks
from tests.deepusps_tf.conftest import disc_photo, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    export_model(network=tiny_model(backbone="", size=32), size=32, folder=folder)
    return folder


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(disc_photo(number)[0][: 40 - number]).save(folder / f"a photo {number}.png")
    return folder


@pytest.mark.parametrize("crf", [None, RELEASE_SETTINGS])
def test_a_mask_for_each_photo_at_its_own_size(model, photos, tmp_path, crf):
    summary = predict_masks(model=model, images=photos, output=tmp_path / "out", crf=crf)
    assert (summary.written, summary.kept, summary.skipped) == (3, 0, {})
    for number in range(3):
        mask = np.asarray(Image.open(tmp_path / f"out/a photo {number}.png"))
        assert mask.shape == (40 - number, 48)
        assert set(np.unique(mask)) <= {0, 255}


def test_resumes(model, photos, tmp_path):
    predict_masks(model=model, images=photos, output=tmp_path / "out", crf=None)
    (tmp_path / "out/a photo 1.png").unlink()
    summary = predict_masks(model=model / "1", images=photos, output=tmp_path / "out", crf=None)
    assert (summary.written, summary.kept) == (1, 2)


def test_broken_photo_among_good_ones_is_left_out(model, photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 cut")
    summary = predict_masks(model=model, images=photos, output=tmp_path / "out", crf=None)
    assert summary.written == 3
    assert [path.name for path in summary.skipped] == ["broken.jpg"]


def test_nothing_but_broken_photos_is_an_error(model, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 cut")
    with pytest.raises(InputError, match="broken.jpg"):
        predict_masks(model=model, images=tmp_path, output=tmp_path / "out", crf=None)


def test_folder_without_a_model_is_named(photos, tmp_path):
    with pytest.raises(InputError, match="nothing: holds no exported model"):
        predict_masks(model=tmp_path / "nothing", images=photos, output=tmp_path, crf=None)
