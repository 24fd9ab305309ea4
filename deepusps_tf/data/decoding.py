"""What the network is given of an encoded photo, label or mask."""

import tensorflow as tf

from data_prep.records.format import LABEL_FEATURES
from deepusps_tf.data.augmentation import WHOLE, show_part

# TensorFlow resizes by height first and holds [S, W] in float32 between: too much of a wider photo.
_WIDE = 1 << 15


def decode_photo(photo: tf.Tensor) -> tf.Tensor:
    """Decodes a photo to the pixels that Pillow gives, in batches and when served.

    TensorFlow's default for JPEGs is a faster decoder that is up to 31 of 255 off.

    Args:
        photo: string scalar, the bytes of a JPEG, PNG or GIF; of an animation the first frame.

    Returns:
        uint8 [H, W, 3], as stored: not turned upright, not brought to sRGB.

    Raises:
        tf.errors.InvalidArgumentError: when run, for damaged bytes.
    """
    rgb = tf.cond(
        tf.io.is_jpeg(photo),
        lambda: tf.io.decode_jpeg(photo, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(photo, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(rgb, [None, None, 3])


def fit_square(photos: tf.Tensor, size: int) -> tf.Tensor:
    """Makes what the network sees of photos, in training, prediction and when served.

    From all their pixels, which are averaged where they are more than S a side. No float32 copy of
    a photo is made: 12 bytes for each pixel of S x W at most, W being up to `_WIDE`.

    Args:
        photos: uint8 or float [..., H, W, 3] in 0..255, of rank 3 or 4.
        size: S.

    Returns:
        float32 [..., S, S, 3] in 0..255.
    """
    photos = tf.convert_to_tensor(photos)
    resized = tf.cond(
        tf.shape(photos)[-2] > _WIDE,
        lambda: _across(_resize(_across(photos), size)),
        lambda: _resize(photos, size),
    )
    return tf.clip_by_value(resized, 0.0, 255.0)


def _resize(photos: tf.Tensor, size: int) -> tf.Tensor:
    return tf.image.resize(photos, (size, size), method="bicubic", antialias=True)


def _across(photos: tf.Tensor) -> tf.Tensor:
    """Swaps height and width."""
    return tf.transpose(photos, [1, 0, 2] if photos.shape.rank == 3 else [0, 2, 1, 3])


def decode_labels(label_records, size: int, part=WHOLE) -> tf.Tensor:
    """Decodes a part of label records [M] at `size`, to the nearest pixel.

    Returns:
        float32 [S, S, M] in 0..1.
    """
    maps = tf.map_fn(
        lambda label_record: _decode_label(label_record, size, part),
        label_records,
        fn_output_signature=tf.TensorSpec([size, size], tf.float32),
    )
    return tf.transpose(maps, [1, 2, 0])


def _decode_label(label_record, size: int, part) -> tf.Tensor:
    record = tf.io.parse_single_example(label_record, LABEL_FEATURES)
    return _decode_grey(record["label"], size, part)[..., 0] / 255.0


def decode_mask(png, size: int) -> tf.Tensor:
    """Decodes a stored mask at `size`: float32 [S, S, 1], 0 or 1; all 0 of empty bytes."""
    empty = tf.zeros([size, size, 1])
    mask = tf.cond(tf.strings.length(png) > 0, lambda: _decode_grey(png, size), lambda: empty)
    return tf.cast(mask > 127, tf.float32)


def _decode_grey(png, size: int, part=WHOLE) -> tf.Tensor:
    grey = tf.io.decode_png(png, channels=1)
    if part is not WHOLE:
        grey = show_part(grey, part)
    return tf.cast(tf.image.resize(grey, (size, size), method="nearest"), tf.float32)
