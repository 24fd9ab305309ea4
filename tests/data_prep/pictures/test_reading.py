import hashlib

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.photos import Photo
from data_prep.pictures.reading import read_photo


def test_a_photo_comes_with_its_hash_and_its_own_size(tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(np.full((10, 40, 3), 7, np.uint8)).save(path)
    reading = read_photo(Photo("wide", path), max_side=20)
    assert reading.photo == Photo("wide", path)
    assert reading.made_of == hashlib.sha256(path.read_bytes()).hexdigest()
    np.testing.assert_array_equal(reading.rgb, np.full((5, 20, 3), 7))
    assert reading.size == (10, 40)


def test_a_photo_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "cut.png").write_bytes(b"no picture")
    for name in ("cut", "absent"):
        with pytest.raises(InputError, match=f"{name}.png: "):
            read_photo(Photo(name, tmp_path / f"{name}.png"), max_side=20)
