import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.images import read_rgb
from deepusps_tf.serving.photo_input import enlarge, photo_rgb, photo_rgba, picture_of
from tests.data_prep.pictures.icc_profiles import p3_profile
from tests.deepusps_tf.photo_files import CORNERS, encoded, turned

LEVELS = np.array([[0, 1, 128], [200, 254, 255]], np.uint8)
RGB = np.stack([LEVELS, LEVELS[::-1], LEVELS[:, ::-1]], axis=-1)
RGBA = np.dstack([RGB, np.array([[255, 255, 0], [255, 100, 255]], np.uint8)])


def on_white(rgba):
    share = rgba[..., 3:] / 255
    return rgba[..., :3] * share + 255 * (1 - share)


@pytest.mark.parametrize(
    "photo",
    [
        RGB,
        RGB / 255,
        (RGB / 255).astype(np.float32),
        RGB.astype(np.float64),
        RGB.astype(np.float16),
        RGB.astype(np.uint16) * 257,
        Image.fromarray(RGB),
        encoded(RGB, "PNG"),
        bytearray(encoded(RGB, "PNG")),
        memoryview(encoded(RGB, "PNG")),
    ],
)
def test_one_photo_is_the_same_however_it_is_given(photo):
    rgb = photo_rgb(photo)
    np.testing.assert_array_equal(rgb, RGB)
    assert rgb.dtype == np.uint8
    np.testing.assert_array_equal(photo_rgba(photo), np.dstack([RGB, np.full((2, 3), 255)]))


def test_a_tensor_is_an_array():
    np.testing.assert_array_equal(photo_rgb(tf.constant(RGB)), RGB)


@pytest.mark.parametrize(
    "photo", [LEVELS, LEVELS[..., None], LEVELS / 255, LEVELS.astype(np.uint16) * 257]
)
def test_grey_is_three_equal_channels(photo):
    np.testing.assert_array_equal(photo_rgb(photo), np.dstack([LEVELS] * 3))


@pytest.mark.parametrize("photo", [RGBA, RGBA / 255, RGBA.astype(np.uint16) * 257])
def test_opacity_is_kept_and_seen_on_white(photo):
    np.testing.assert_allclose(photo_rgb(photo), on_white(RGBA), atol=1)
    np.testing.assert_array_equal(photo_rgba(photo), RGBA)


def test_floats_of_0_to_1_are_known_by_their_largest_value():
    np.testing.assert_array_equal(picture_of(np.array([[0.0, 1.0, 0.5]])), [[0, 255, 128]])
    np.testing.assert_array_equal(picture_of(np.array([[0.0, 2.0, 0.5]])), [[0, 2, 0]])
    np.testing.assert_array_equal(picture_of(np.zeros((1, 2))), [[0, 0]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 255.5], "must lie in 0..1 or in 0..255, not in 0..255.5"),
        ([-0.1, 0.9], "not in -0.1..0.9"),
        ([0.0, 1.04], "not in 0..1.04"),
        ([0.0, np.nan], "not in nan..nan"),
        ([0.0, np.inf], "not in 0..inf"),
        (np.array([0, 200], np.uint16), "must reach beyond 255, not only 200; give .* as uint8"),
        (np.array([0, 200], np.int64), "must be of uint8, uint16 or float, not int64"),
        (np.array([False, True]), "must be of uint8, uint16 or float, not bool"),
    ],
)
def test_values_that_could_mean_two_things_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        photo_rgb(np.asarray(values)[None])


@pytest.mark.parametrize("shape", [(4,), (2, 4, 2), (0, 4, 3), (1, 4, 4, 3), (3, 4, 5)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"must be an array \[H, W\], .*, not \["):
        photo_rgb(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("photo", [None, 3, [[1, 2], [3, 4]], io.BytesIO(b"")])
def test_other_types_are_refused_in_a_sentence(photo):
    with pytest.raises(TypeError, match="must be a path, the bytes of .*, not [A-Za-z]+$"):
        photo_rgb(photo)
    with pytest.raises(TypeError, match="must be a path"):
        photo_rgba(photo)


def test_bytes_that_are_no_picture_are_named_as_such():
    for content, message in ((b"", "is empty"), (b"no photo", "is no picture this program reads")):
        with pytest.raises(InputError, match=f"^the photo's bytes: {message}"):
            photo_rgb(content)
    floats = encoded(Image.fromarray(np.zeros((2, 2), np.float32)), "TIFF")
    with pytest.raises(InputError, match="^the photo's bytes: has floating-point pixels"):
        photo_rgb(floats)


def files(folder):
    """Files of many kinds, small and large, by name."""
    colours = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    large = Image.fromarray(colours).resize((1300, 900))
    wide = (np.arange(48 * 32, dtype=np.uint16) * 42).reshape(32, 48)
    made = {
        "turned.jpg": turned(6, "<"),
        "turned.tif": turned(6, "<", "TIFF"),
        "p3.jpg": encoded(CORNERS, "JPEG", icc_profile=p3_profile()),
        "large.jpg": encoded(large, "JPEG"),
        "large.png": encoded(large, "PNG"),
        "wide.png": encoded(Image.fromarray(wide), "PNG"),
        "clear.png": encoded(RGBA, "PNG"),
        "grey.png": encoded(LEVELS, "PNG"),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in made]


def test_a_path_bytes_and_an_image_are_what_predicting_the_file_sees(tmp_path):
    for path in files(tmp_path):
        expected = read_rgb(path)
        for photo in (path, str(path), path.read_bytes()):
            np.testing.assert_array_equal(photo_rgb(photo), expected)
        with Image.open(path) as image:
            before = image.size
            np.testing.assert_array_equal(photo_rgb(image), expected)
            assert image.size == before  # the caller's own is left as it is
        rgba = photo_rgba(path)
        assert rgba.shape == (*expected.shape[:2], 4)
        if path.name != "clear.png":
            np.testing.assert_array_equal(rgba[..., :3], expected)
            assert (rgba[..., 3] == 255).all()
    np.testing.assert_array_equal(photo_rgba(tmp_path / "clear.png"), RGBA)
    wide = np.asarray(Image.open(tmp_path / "wide.png")).astype(np.uint16)
    np.testing.assert_array_equal(photo_rgb(wide), read_rgb(tmp_path / "wide.png"))


def test_maps_come_to_the_photos_own_size():
    half = enlarge(np.array([[0, 1]], np.float32), (2, 4))
    np.testing.assert_allclose(half, [[0, 0.25, 0.75, 1]] * 2)
