"""What every handcrafted method must hold, whatever the photo."""

import numpy as np
import pytest

from data_prep.methods.names import METHODS


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def plain(height, width, value=128):
    return np.full((height, width, 3), value, np.uint8)


def two_colours(height, width):
    rgb = plain(height, width, 0)
    rgb[:, width // 2 :] = (255, 0, 0)
    return rgb


def disc(height, width, row=0.5, column=0.5):
    rgb = plain(height, width, 200)
    y, x = np.ogrid[:height, :width]
    inside = (y - row * height) ** 2 + (x - column * width) ** 2 < (min(height, width) / 5) ** 2
    rgb[inside] = (255, 60, 0)
    return rgb, inside


def framed(rgb, width=10):
    return np.pad(rgb, ((width, width), (width, width), (0, 0)))


@pytest.fixture(params=sorted(METHODS.names))
def method(request):
    return METHODS.find(request.param)


@pytest.mark.parametrize(
    "rgb",
    [
        pytest.param(make(*size), id=f"{make.__name__}-{size[0]}x{size[1]}")
        for make in (noise, plain, two_colours)
        for size in [(1, 1), (1, 2), (3, 5), (1, 50), (50, 1), (12, 12), (40, 60)]
    ]
    + [
        pytest.param(plain(60, 80, 0), id="black"),
        pytest.param(plain(60, 80, 255), id="white"),
        pytest.param(framed(noise(60, 80)), id="framed noise"),
        pytest.param(framed(plain(60, 80, 255)), id="framed white"),
        pytest.param(noise(8, 300), id="low and wide"),
    ],
)
def test_any_photo_gets_a_finite_map(method, rgb):
    before = rgb.copy()
    with np.errstate(all="raise", under="ignore"):
        saliency = method(rgb)
    assert saliency.shape == rgb.shape[:2]
    assert saliency.dtype == np.float32
    assert np.isfinite(saliency).all()
    assert saliency.min() >= 0
    assert saliency.max() <= 1
    np.testing.assert_array_equal(rgb, before)


def test_the_same_photo_gets_the_same_map(method):
    rgb = noise(60, 80)
    read_only = np.asfortranarray(rgb)
    read_only.flags.writeable = False
    np.testing.assert_array_equal(method(rgb), method(read_only))


@pytest.mark.parametrize(("row", "column"), [(0.5, 0.5), (0.45, 0.35)])
def test_a_bright_disc_on_a_plain_ground_is_found(method, row, column):
    rgb, inside = disc(150, 200, row, column)
    saliency = method(rgb)
    assert saliency[inside].mean() > 0.8
    assert saliency[~inside].mean() < 0.25


def test_a_disc_is_found_inside_a_frame(method):
    rgb, inside = disc(150, 200)
    saliency = method(framed(rgb, 6))[6:-6, 6:-6]
    assert saliency[inside].mean() > saliency[~inside].mean() + 0.5
