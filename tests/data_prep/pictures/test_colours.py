import io

import numpy as np
import pytest
from PIL import Image

from data_prep.pictures.colours import keeps_srgb, to_srgb
from data_prep.pictures.images import is_plain_jpeg, read_rgb, read_rgb_within
from tests.data_prep.pictures.icc_profiles import p3_profile, srgb_profile, swapped_profile

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


def saved(pixels, profile, mode=None, kind="PNG") -> Image.Image:
    picture = Image.fromarray(pixels)
    stream = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(stream, kind, icc_profile=profile)
    return Image.open(stream)


def test_colours_of_another_profile_are_brought_to_srgb():
    swapped = np.array(to_srgb(saved(PIXELS, swapped_profile())))
    assert np.abs(swapped.astype(int) - PIXELS[..., [1, 0, 2]]).max() <= 1


def linear(values):
    values = np.asarray(values) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def coded(values):
    values = np.clip(values, 0, 1)
    return 255 * np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


def test_display_p3():
    # Linear P3 to linear sRGB, from the primaries of both (D65).
    matrix = [[1.2249, -0.2249, 0.0], [-0.0420, 1.0420, 0.0], [-0.0197, -0.0786, 1.0983]]
    colours = np.array([[[128, 128, 128], [200, 120, 90], [100, 160, 120], [255, 255, 255]]])
    expected = coded(linear(colours) @ np.transpose(matrix))
    actual = np.array(to_srgb(saved(colours.astype(np.uint8), p3_profile())))
    assert np.abs(actual - expected).max() <= 1.5


@pytest.mark.parametrize("profile", [None, srgb_profile(), b"no profile", srgb_profile()[:200]])
def test_srgb_and_damaged_profiles_change_nothing(profile):
    picture = saved(PIXELS, profile)
    assert keeps_srgb(picture)
    assert to_srgb(picture) is picture


def test_opacity_is_kept():
    rgba = np.dstack([PIXELS, PIXELS[..., 0]])
    converted = np.array(to_srgb(saved(rgba, swapped_profile())))
    np.testing.assert_array_equal(converted[..., 3], rgba[..., 3])
    assert np.abs(converted[..., :3].astype(int) - PIXELS[..., [1, 0, 2]]).max() <= 1


def test_palettes_are_converted():
    palette = Image.fromarray(PIXELS).quantize(16)
    colours = np.array(palette.convert("RGB"))
    stream = io.BytesIO()
    palette.save(stream, "PNG", icc_profile=swapped_profile())
    converted = np.array(to_srgb(Image.open(stream)))
    assert np.abs(converted.astype(int) - colours[..., [1, 0, 2]]).max() <= 1


@pytest.mark.parametrize(("profile", "plain"), [(srgb_profile(), True), (p3_profile(), False)])
def test_photos_are_read_as_srgb(tmp_path, profile, plain):
    path = tmp_path / "photo.jpg"
    Image.fromarray(PIXELS).save(path, quality=95, icc_profile=profile)
    with Image.open(path) as image:
        own, expected = np.array(image), np.array(to_srgb(image).convert("RGB"))
    assert is_plain_jpeg(path, 100) == plain
    assert (np.abs(expected.astype(int) - own).max() <= 0) == plain
    np.testing.assert_array_equal(read_rgb(path), expected)
    np.testing.assert_array_equal(read_rgb_within(path, max_side=100)[0], expected)
