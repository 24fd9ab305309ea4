import io

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.serving.predict import predict_photos
from deepusps_tf.studio.trials import KEPT, KINDS
from tests.deepusps_tf.studio.conftest import photo_file


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_those_of_predict_to_the_byte(kind, trials, model, tmp_path):
    photo, expected = tmp_path / "a.jpg", tmp_path / "expected.png"
    photo.write_bytes(photo_file("JPEG"))
    predict_photos(model=model, images=photo, output=expected, kind=kind, pool=None)
    trial = trials.add("a.jpg", io.BytesIO(photo_file("JPEG")))
    assert trials.picture(trial.number, kind).read_bytes() == expected.read_bytes()
    assert (trial.width, trial.height) == (96, 80) and 0 <= trial.salient <= 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("my.jpg", b"", "^my.jpg: is empty; fetch it again"),
        ("my.jpg", b"no picture", "^my.jpg: is no picture this program reads; convert it"),
        ("", photo_file()[:200], "^the photo: is damaged"),
    ],
)
def test_what_is_no_photo_is_named_and_leaves_nothing(trials, tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        trials.add(name, io.BytesIO(content))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_newest_are_kept_and_the_photos_are_not(trials, tmp_path):
    for number in range(1, KEPT + 3):
        assert trials.add("a.png", io.BytesIO(photo_file())).number == number
    folders = {path.name for path in (tmp_path / "trials").iterdir()}
    assert folders == {str(number) for number in range(3, KEPT + 3)}
    assert trials.picture(2, "mask") is None and trials.picture(3, "photo") is None
    assert sorted(path.name for path in (tmp_path / "trials/3").iterdir()) == [
        *("cutout.png", "mask.png", "probability.png", "shown.jpg"),
    ]
