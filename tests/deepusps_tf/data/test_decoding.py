import io

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
from deepusps_tf.data.decoding import decode_photo
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
