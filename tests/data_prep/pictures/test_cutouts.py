import numpy as np
import pytest
from PIL import Image

from data_prep.pictures.cutouts import write_cutout
from tests.data_prep.pictures.icc_profiles import p3_profile

RGB = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)
OPACITY = np.random.default_rng(2).integers(0, 256, (6, 9), dtype=np.uint8)


def cut(tmp_path, picture, suffix="png", **options) -> Image.Image:
    path = tmp_path / f"photo.{suffix}"
    picture.save(path, **options)
    write_cutout(path, OPACITY, tmp_path / "cutout.png")
    return Image.open(tmp_path / "cutout.png")


def test_colours_and_profile_are_the_files_own(tmp_path):
    cutout = cut(tmp_path, Image.fromarray(RGB), icc_profile=p3_profile())
    np.testing.assert_array_equal(np.array(cutout), np.dstack([RGB, OPACITY]))
    assert cutout.info["icc_profile"] == p3_profile()


def test_a_cutout_is_never_more_opaque_than_its_photo(tmp_path):
    own = np.full((6, 9), 100, np.uint8)
    own[:3] = 0
    cutout = np.array(cut(tmp_path, Image.fromarray(np.dstack([RGB, own]))))
    np.testing.assert_array_equal(cutout[..., :3], RGB)
    np.testing.assert_array_equal(cutout[..., 3], np.minimum(OPACITY, own))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA"])
def test_other_modes_become_colours(tmp_path, mode):
    picture = Image.fromarray(RGB).convert(mode)
    cutout = cut(tmp_path, picture)
    assert "icc_profile" not in cutout.info
    np.testing.assert_array_equal(
        np.array(cutout), np.dstack([np.array(picture.convert("RGB")), OPACITY])
    )


def test_sixteen_bits(tmp_path):
    wide = RGB[..., 0].astype(np.uint16) * 257
    cutout = np.array(cut(tmp_path, Image.fromarray(wide)))
    np.testing.assert_array_equal(cutout, np.dstack([RGB[..., :1].repeat(3, axis=-1), OPACITY]))


def test_a_turned_photo_is_cut_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("png", "tif"):
        sideways = Image.fromarray(RGB).transpose(Image.Transpose.ROTATE_90)
        cutout = np.array(cut(tmp_path, sideways, suffix, exif=exif))
        np.testing.assert_array_equal(cutout, np.dstack([RGB, OPACITY]))
