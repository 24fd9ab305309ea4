import io
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep.pictures.images import read_rgb
from data_prep.pictures.photos import Photo
from data_prep.records.format import open_set
from data_prep.records.shard_writer import write_shards
from data_prep.write_records import STORED_SIDE, image_record
from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.data.decoding import decode_photo, fit_square
from tests.deepusps_tf.photo_files import encoded, jpegs, textured

SIDE = 61


def decode(photo: bytes) -> np.ndarray:
    return decode_photo(tf.constant(photo)).numpy()


@pytest.mark.parametrize("size", [(45, 61), (64, 48), (1, 1), (7, 300)])
def test_a_jpeg_has_the_pixels_that_preparing_saw(size):
    for kind, photo in jpegs(*size).items():
        expected = read_rgb(photo)
        assert expected.shape == (*size, 3)
        np.testing.assert_array_equal(decode(photo), expected, err_msg=kind)


def test_the_default_decoder_would_be_seen():
    photos = jpegs(45, 61)
    fast = tf.io.decode_image(photos["4:2:0"], channels=3).numpy().astype(int)
    assert np.abs(fast - read_rgb(photos["4:2:0"])).max() >= 2


def test_other_kinds_keep_every_value():
    picture = textured(45, 61)
    for kind in ("PNG", "GIF"):
        photo = encoded(picture.quantize(64) if kind == "GIF" else picture, kind)
        np.testing.assert_array_equal(decode(photo), read_rgb(photo))
    frames = [Image.new("RGB", (9, 5), colour) for colour in ("red", "blue")]
    animation = io.BytesIO()
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    assert (decode(animation.getvalue()) == [255, 0, 0]).all()
    assert decode(animation.getvalue()).shape == (5, 9, 3)


def test_damaged_photos_are_refused():
    for photo in (b"", jpegs(45, 61)["4:2:0"][:400], encoded(textured(45, 61), "PNG")[:400]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(photo)


def test_batches_hold_the_pixels_that_preparing_saw(tmp_path):
    photos = []
    cmyk = encoded(textured(SIDE, SIDE).convert("CMYK"), "JPEG")
    for number, photo in enumerate([*jpegs(SIDE, SIDE).values(), cmyk]):
        photos.append(Photo(str(number), tmp_path / f"{number}.jpg"))
        photos[-1].path.write_bytes(photo)
    records = (image_record(photo, None, STORED_SIDE) for photo in photos)
    write_shards(stem=f"{tmp_path}/images", records=records, count=len(photos))
    images = open_set(f"{tmp_path}/images")
    (batch,) = scoring_batches(images=images, size=SIDE, batch_size=len(photos))
    expected = np.stack([read_rgb(photo.path) for photo in photos])
    np.testing.assert_array_equal(batch["image"].numpy(), expected)


def test_large_photos_are_averaged():
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[::2] = 255
    # Without averaging, pixels of one parity alone would be met.
    np.testing.assert_allclose(fit_square(stripes, 32)[1:-1], 127.5, atol=1)


@pytest.mark.parametrize("lead", [(), (2,)])
def test_a_wide_photo_is_resized_as_a_tall_one(lead):
    wide = np.random.default_rng(0).integers(0, 256, (*lead, 3, 40_000, 3), np.uint8)
    square = fit_square(wide, 16)
    assert square.shape == (*lead, 16, 16, 3) and square.dtype == tf.float32
    tall = fit_square(wide.swapaxes(-3, -2), 16).numpy()
    np.testing.assert_array_equal(square, tall.swapaxes(-3, -2))
    plain = tf.image.resize(wide, (16, 16), "bicubic", antialias=True)
    np.testing.assert_allclose(square, np.clip(plain, 0, 255), atol=1e-2)


@pytest.mark.parametrize(("height", "width"), [(3000, 4000), (1, 6_000_000)])
def test_no_photo_is_held_as_floats(height, width):
    program = (
        "import resource, sys; import numpy as np\n"
        "from deepusps_tf.data.decoding import fit_square\n"
        "fit_square(np.zeros((40, 30, 3), np.uint8), 64)\n"
        "photo = np.ones((int(sys.argv[1]), int(sys.argv[2]), 3), np.uint8)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "fit_square(photo, 64)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(height), str(width)],
        capture_output=True,
        text=True,
        check=True,
    )
    # The bytes are copied, and again where they are turned; as floats they take 4 times that.
    assert int(done.stdout) / 1024 < 2 * height * width * 3 / 2**20 + 40
