"""What the network is given of an encoded photo, label or mask."""

import tensorflow as tf

from data_prep.records.format import LABEL_FEATURES


def fit_square(photos: tf.Tensor, size: int) -> tf.Tensor:
    """Makes what the network sees of photos, in training and when served.

    Args:
        photos: uint8 or float [..., H, W, 3] in 0..255, of rank 3 or 4.
        size: S.

    Returns:
        float32 [..., S, S, 3] in 0..255.
    """
    resized = tf.image.resize(photos, (size, size), method="bicubic", antialias=True)
    return tf.clip_by_value(resized, 0.0, 255.0)


def decode_labels(label_records, size: int) -> tf.Tensor:
    """Decodes label records [M] at `size`, to the nearest pixel: float32 [S, S, M] in 0..1."""
    maps = tf.map_fn(
        lambda label_record: _decode_label(label_record, size),
        label_records,
        fn_output_signature=tf.TensorSpec([size, size], tf.float32),
    )
    return tf.transpose(maps, [1, 2, 0])


def _decode_label(label_record, size: int) -> tf.Tensor:
    record = tf.io.parse_single_example(label_record, LABEL_FEATURES)
    return _decode_grey(record["label"], size)[..., 0] / 255.0


def decode_mask(png, size: int) -> tf.Tensor:
    """Decodes a stored mask at `size`: float32 [S, S, 1], 0 or 1; all 0 of empty bytes."""
    empty = tf.zeros([size, size, 1])
    mask = tf.cond(tf.strings.length(png) > 0, lambda: _decode_grey(png, size), lambda: empty)
    return tf.cast(mask > 127, tf.float32)


def _decode_grey(png, size: int) -> tf.Tensor:
    grey = tf.io.decode_png(png, channels=1)
    return tf.cast(tf.image.resize(grey, (size, size), method="nearest"), tf.float32)
