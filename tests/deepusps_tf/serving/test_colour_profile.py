import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.pictures.images import read_rgb
from deepusps_tf.data.decoding import decode_photo
from deepusps_tf.serving.colour_profile import conversion_of, to_srgb
from tests.data_prep.pictures.icc_profiles import (
    formula_curve,
    grey_with_curve,
    made_profile,
    p3_profile,
    sampled_curve,
    srgb_profile,
    swapped_profile,
    with_curve,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 31, 3)).astype(np.uint8)
ANY = tf.TensorSpec([], tf.string)
SQUARE = sampled_curve(*(round(65535 * (x / 1023) ** 2) for x in range(1024)))
PROFILES = {
    "P3": p3_profile(),
    "swapped": swapped_profile(),
    "sRGB": srgb_profile(),
    "linear": with_curve(sampled_curve()),
    "gamma": with_curve(sampled_curve(round(256 * 1.8))),
    "samples": with_curve(SQUARE),
    "function 0": with_curve(formula_curve(0, 2.2)),
    "function 1": with_curve(formula_curve(1, 2.0, 1.1, -0.1)),
    "function 2": with_curve(formula_curve(2, 2.0, 1.1, -0.1, 0.0)),
    "function 3": with_curve(formula_curve(3, 2.4, 0.948, 0.052, 0.0774, 0.0404)),
    "function 4": with_curve(formula_curve(4, 2.4, 0.9, 0.05, 0.07, 0.04, 0.02, 0.0)),
}


@tf.function(input_signature=[ANY])
def decoded(photo):
    return to_srgb(decode_photo(photo), conversion_of(photo))


@tf.function(input_signature=[ANY])
def is_readable(photo):
    return conversion_of(photo).readable


def saved(pixels, kind="PNG", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("name", PROFILES)
def test_colours_are_those_of_training(name, kind):
    photo = saved(PIXELS, kind, icc_profile=PROFILES[name])
    expected, plain = read_rgb(photo).astype(int), decode_photo(tf.constant(photo)).numpy()
    if name != "sRGB":
        assert np.abs(expected - plain).max() > 10
    # The library behind training computes in 16 bits and without floats.
    assert np.abs(decoded(photo).numpy() - expected).max() <= 2
    assert is_readable(photo).numpy()


def test_grey_has_a_curve_of_its_own():
    photo = saved(PIXELS[..., 0], icc_profile=grey_with_curve(sampled_curve(round(256 * 1.8))))
    expected = read_rgb(photo).astype(int)
    assert np.abs(expected - PIXELS[..., :1]).max() > 10
    assert np.abs(decoded(photo).numpy() - expected).max() <= 2


def test_opacity_stays():
    rgba = np.concatenate([PIXELS, PIXELS[..., :1]], -1)
    photo = saved(rgba, icc_profile=p3_profile())
    seen = to_srgb(tf.io.decode_png(photo, channels=4), conversion_of(photo)).numpy()
    np.testing.assert_array_equal(seen[..., 3], rgba[..., 3])
    assert (seen[..., :3] != PIXELS).any()


@pytest.mark.parametrize(
    ("pixels", "profile"),
    [
        (PIXELS[..., 0], p3_profile()),
        (PIXELS, grey_with_curve(sampled_curve(256))),
        (PIXELS, b"no profile at all"),
        (PIXELS, b"\0" * 200),
    ],
)
def test_profiles_of_other_pictures_and_damaged_ones_count_as_srgb(pixels, profile):
    photo = saved(pixels, icc_profile=profile)
    np.testing.assert_array_equal(decoded(photo).numpy(), read_rgb(photo))
    assert is_readable(photo).numpy()


def test_curves_that_begin_above_black_are_refused():
    lifted = with_curve(formula_curve(1, 2.0, 0.9, 0.1))
    assert not is_readable(saved(PIXELS, icc_profile=lifted)).numpy()


def test_tables_of_colours_are_refused():
    tables = made_profile({b"A2B0": b"mft2" + bytes(60)})
    assert not is_readable(saved(PIXELS, icc_profile=tables)).numpy()
    assert not is_readable(saved(PIXELS, "JPEG", icc_profile=p3_profile() + bytes(70000))).numpy()
    noise = np.random.default_rng(0).bytes(70000)
    assert not is_readable(saved(PIXELS, icc_profile=p3_profile() + noise)).numpy()


def test_photos_without_a_profile_stay_as_they_are():
    for photo in (saved(PIXELS), saved(PIXELS, "JPEG"), saved(PIXELS, "GIF")):
        np.testing.assert_array_equal(decoded(photo).numpy(), decode_photo(photo).numpy())
