from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.masks import check_masks, reach_one, read_grey, read_mask
from data_prep.pictures.opening import ImageError
from data_prep.pictures.photos import Photo

INPUTS = Path(__file__).parents[4] / "shared" / "data" / "inputs" / "masks"
DISC = np.hypot(*np.mgrid[-30:30, -40:40]) < 17  # [60, 80]
TRUTH = np.where(DISC, np.uint8(255), np.uint8(0))


def save(path, pixels, mode=None, **options):
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels, mode)
    picture.save(path, **options)
    return path


def two_levels(low, high, dtype):
    return np.where(DISC, high, low).astype(dtype)


def palette_mask(*colours, index=1):
    """A palette picture whose disc has an index of its own."""
    picture = Image.fromarray((DISC * np.uint8(index)).astype(np.uint8), "P")
    picture.putpalette([value for colour in colours for value in colour])
    return picture


def coloured(colour, background=(0, 0, 0)):
    return np.where(DISC[..., None], np.uint8(colour), np.uint8(background))


ENCODINGS = {
    "grey": (TRUTH, "png"),
    "grey of 1 bit": (Image.fromarray(DISC), "png"),
    "0 and 1": (DISC.astype(np.uint8), "png"),
    "class 15": (two_levels(0, 15, np.uint8), "png"),
    "1 and 2": (two_levels(1, 2, np.uint8), "png"),
    "16 bits": (two_levels(0, 65535, np.uint16), "png"),
    "8 bits in 16": (two_levels(0, 255, np.uint16), "png"),
    "1 in 16 bits": (two_levels(0, 1, np.uint16), "png"),
    "12 bits in 16": (two_levels(0, 4095, np.uint16), "tif"),
    "32 bits": (two_levels(0, 70000, np.int32), "tif"),
    "floating point": (two_levels(0, 1, np.float32), "tif"),
    "floating point of 255": (two_levels(0, 255, np.float32), "tif"),
    "VOC palette": (palette_mask((0, 0, 0), (128, 0, 0)), "png"),
    "DAVIS palette, second object": (
        palette_mask((0, 0, 0), (128, 0, 0), (0, 128, 0), index=2),
        "png",
    ),
    "palette bmp": (palette_mask((0, 0, 0), (0, 0, 128)), "bmp"),
    "palette gif": (palette_mask((0, 0, 0), (255, 255, 255)), "gif"),
    "red": (coloured((255, 0, 0)), "png"),
    "blue bmp": (coloured((0, 0, 90)), "bmp"),
    "grey as colours": (np.repeat(TRUTH[..., None], 3, axis=-1), "png"),
    "opacity of black": (np.dstack([np.zeros((60, 80, 3), np.uint8), TRUTH]), "png"),
    "opacity of white": (np.dstack([np.full((60, 80, 3), 255, np.uint8), TRUTH]), "webp"),
    "grey and opacity": (np.dstack([TRUTH, TRUTH]), "png"),
    "opaque, with a channel": (np.dstack([coloured((255, 255, 255)), 0 * TRUTH + 255]), "png"),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_mask_is_the_same_in_every_encoding(tmp_path, name):
    picture, suffix = ENCODINGS[name]
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    path = save(tmp_path / f"mask.{suffix}", picture, **options)
    np.testing.assert_array_equal(read_mask(path), TRUTH)


def test_soft_and_compressed_masks_are_cut_at_half(tmp_path):
    path = save(tmp_path / "m.png", np.array([[0, 127, 128, 255]], np.uint8))
    np.testing.assert_array_equal(read_mask(path), [[0, 0, 255, 255]])
    path = save(tmp_path / "m16.png", np.array([[0, 32767, 32896, 65535]], np.uint16))
    np.testing.assert_array_equal(read_mask(path), [[0, 0, 255, 255]])
    path = save(tmp_path / "f.tif", np.array([[0, 0.4, 0.5, 1]], np.float32))
    np.testing.assert_array_equal(read_mask(path), [[0, 0, 255, 255]])
    path = save(tmp_path / "m.jpg", np.repeat(TRUTH[..., None], 3, axis=-1), quality=80)
    assert (read_mask(path) == TRUTH).mean() > 0.99


def test_empty_and_full_masks(tmp_path):
    for value in (0, 255):
        path = save(tmp_path / "m.png", np.full((4, 5), value, np.uint8))
        np.testing.assert_array_equal(read_mask(path), np.full((4, 5), value))


def classes(*values, outline=None):
    """Bands of values, 20 pixels wide; where `outline` is given, with lines of it between them."""
    bands = np.repeat(np.array(values, np.uint8), 20)[None].repeat(30, axis=0)
    if outline is not None:
        for place in range(20, bands.shape[1], 20):
            bands[:, place - 2 : place + 2] = outline
    return bands


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (classes(0, 1, 2), "its values 0, 1, 2 could be classes; save a mask of 255"),
        (classes(0, 15, 7, outline=255), "its values 0, 7, 15, 255 could be classes"),
        (classes(0, 3, 5, 9, 11, 40), r"its values 0, 3, 5, 9, 11 \.\.\. 40 could be classes"),
        (classes(7), "its values 7 could be classes"),
        (np.array([[0, 300, 700]], np.uint16), "its values 0, 300, 700 could be classes"),
        (coloured((255, 0, 0), (0, 255, 0)), "holds the colours #00ff00, #ff0000, which name no"),
        (coloured((200, 30, 30), (255, 255, 255)), "holds the colours #c81e1e, #ffffff, which"),
    ],
)
def test_masks_of_several_readings_are_refused(tmp_path, picture, message):
    path = save(tmp_path / "mask.png", picture)
    with pytest.raises(ImageError, match=f"mask.png: {message}") as refused:
        read_mask(path)
    assert "\n" not in str(refused.value)


def test_areas_beside_a_solid_object_are_no_classes(tmp_path):
    ranks = classes(0, 42, 255)  # as where some of many people found a second object salient
    np.testing.assert_array_equal(
        read_mask(save(tmp_path / "m.png", ranks)), np.where(ranks == 255, 255, 0)
    )


RAMP = np.arange(256, dtype=np.uint8).reshape(8, 32)


@pytest.mark.parametrize(
    ("pixels", "suffix"),
    [
        (RAMP, "png"),
        (RAMP, "bmp"),
        (RAMP, "gif"),
        (RAMP.astype(np.uint16), "png"),
        (RAMP.astype(np.uint16) * 257, "png"),
        (RAMP.astype(np.float32), "tif"),
        (RAMP.astype(np.float32) / 255, "tif"),
        (np.repeat(RAMP[..., None], 3, axis=-1), "png"),
        (np.dstack([np.zeros((8, 32, 3), np.uint8), RAMP]), "png"),
    ],
)
def test_a_map_is_the_same_in_every_encoding(tmp_path, pixels, suffix):
    np.testing.assert_array_equal(read_grey(save(tmp_path / f"map.{suffix}", pixels)), RAMP)


def test_maps_of_0_and_1_are_known_by_their_set(tmp_path):
    paths = [
        save(tmp_path / "0.png", np.zeros((60, 80), np.uint8)),
        save(tmp_path / "1.png", DISC.astype(np.uint8)),
        save(tmp_path / "2.png", DISC.astype(np.uint16)),
    ]
    assert reach_one(paths)
    assert not reach_one(paths[:1])
    for path in paths[1:]:
        np.testing.assert_array_equal(read_grey(path, of_one=True), TRUTH)
        np.testing.assert_array_equal(read_grey(path), DISC)  # alone it may be as dark as that
    paths.append(save(tmp_path / "3.png", 2 * DISC.astype(np.uint8)))
    assert not reach_one(paths)


def test_maps_that_tell_their_range_are_no_set_of_0_and_1(tmp_path):
    red = save(tmp_path / "r.png", coloured((255, 0, 0)))
    unit = save(tmp_path / "f.tif", DISC.astype(np.float32))
    assert not reach_one([red, unit])
    for path in (red, unit):
        np.testing.assert_array_equal(read_grey(path), TRUTH)


@pytest.mark.parametrize(
    ("pixels", "suffix", "message"),
    [
        (np.array([[0, 4000]], np.uint16), "png", "its values reach 4000, the largest neither"),
        (np.array([[0, 300]], np.float32), "tif", "its values reach 300, the largest neither"),
        (np.array([[0, -1]], np.float32), "tif", "holds values below 0 or not finite"),
        (np.array([[0, np.nan]], np.float32), "tif", "holds values below 0 or not finite"),
    ],
)
def test_maps_of_unknown_range_are_refused(tmp_path, pixels, suffix, message):
    with pytest.raises(ImageError, match=f"{message}.*save it as 8-bit grey"):
        read_grey(save(tmp_path / f"map.{suffix}", pixels))


def test_masks_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = Image.fromarray(TRUTH).transpose(Image.Transpose.ROTATE_90)
    path = save(tmp_path / "m.png", sideways, exif=exif)
    np.testing.assert_array_equal(read_mask(path), TRUTH)


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the shared inputs are not here")
def test_inputs_that_were_read_as_empty():
    salient = {path.name: path for path in INPUTS.glob("*.png")}
    refused = salient.pop("classes_0_1_2.png")
    masks = [read_mask(path) for path in salient.values()]
    assert len(masks) == 5
    for mask in masks:
        np.testing.assert_array_equal(mask, masks[0])
        assert (mask == 255).mean() == 0.25
    with pytest.raises(ImageError, match="values 0, 1, 2 could be classes"):
        read_mask(refused)


def test_a_set_of_empty_masks_is_refused(tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    photos = [Photo(name, tmp_path / f"{name}.jpg") for name in ("a", "b")]
    for photo in photos:
        save(masks / f"{photo.id}.png", np.zeros((4, 5), np.uint8))
    with pytest.raises(InputError, match="masks: nothing is salient in any mask"):
        check_masks(photos, masks)
    save(masks / "b.png", TRUTH)
    assert check_masks(photos, masks) == {name: masks / f"{name}.png" for name in ("a", "b")}
