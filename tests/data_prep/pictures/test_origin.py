import hashlib

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.images import write_png
from data_prep.pictures.origin import is_of_photo, photo_hash, read_origin

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def test_a_picture_says_what_it_was_made_of(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"some bytes")
    made_of = photo_hash(tmp_path / "photo.jpg")
    assert made_of == hashlib.sha256(b"some bytes").hexdigest()
    write_png(tmp_path / "map.png", PIXELS, made_of=made_of)
    assert read_origin(tmp_path / "map.png") == made_of
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "map.png")), PIXELS)


def test_pictures_of_other_programs_do_not_say(tmp_path):
    write_png(tmp_path / "map.png", PIXELS)
    assert read_origin(tmp_path / "map.png") is None
    (tmp_path / "no.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    assert read_origin(tmp_path / "no.png") is None
    assert read_origin(tmp_path / "missing.png") is None


def test_a_picture_is_of_its_photo_unless_it_says_another(tmp_path):
    write_png(tmp_path / "map.png", PIXELS, made_of="a")
    write_png(tmp_path / "plain.png", PIXELS)
    assert is_of_photo(tmp_path / "map.png", lambda: "a")
    assert not is_of_photo(tmp_path / "map.png", lambda: "b")
    assert is_of_photo(tmp_path / "plain.png", None)  # the photo need not be read
    assert not is_of_photo(tmp_path / "missing.png", None)


def test_a_photo_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"photo.jpg: cannot be opened \(No such file"):
        photo_hash(tmp_path / "photo.jpg")
