"""The fast guided filter, with the photo as its guide, in TensorFlow.

He and Sun, Fast Guided Filter, 2015: in a window a map is a linear function of the photo's colour.
"""

import tensorflow as tf


def guided(
    probability: tf.Tensor,
    photos: tf.Tensor,
    large: tf.Tensor,
    *,
    radius: int,
    epsilon: float,
) -> tf.Tensor:
    """Fits maps to their photos at one size, and says what the fit is at another.

    Args:
        probability: float32 [B, h, w, 1] in [0, 1].
        photos: float32 [B, h, w, 3] in 0..255, where the fit is made.
        large: the same photos, float32 [B, H, W, 3] in 0..255, where it is said.
        radius: of the windows, in pixels of the maps.
        epsilon: variance of colour, of 0..1, below which a window counts as flat.

    Returns:
        float32 [B, H, W, 1] in [0, 1].
    """
    colour = photos / 255.0

    def mean(pictures):
        return window_means(pictures, radius)

    centre, level = mean(colour), mean(probability)
    second = mean(colour[..., :, None] * colour[..., None, :])
    covariance = second - centre[..., :, None] * centre[..., None, :]
    with_map = mean(colour * probability) - centre * level
    flat = epsilon * tf.eye(3)
    slope = tf.linalg.solve(covariance + flat, with_map[..., None])[..., 0]
    offset = level - tf.reduce_sum(slope * centre, -1, keepdims=True)
    size = tf.shape(large)[1:3]
    slope, offset = (tf.image.resize(mean(each), size) for each in (slope, offset))
    fitted = tf.reduce_sum(slope * large / 255.0, -1, keepdims=True) + offset
    return tf.clip_by_value(fitted, 0.0, 1.0)


def window_means(pictures: tf.Tensor, radius: int) -> tf.Tensor:
    """Means over the (2 radius + 1)^2 pixels around each, of those within the picture.

    Args:
        pictures: float32 [B, H, W, ...].
        radius: in pixels.

    Returns:
        Of the same shape.
    """
    shape = tf.shape(pictures)
    flat = tf.reshape(pictures, tf.concat([shape[:3], [-1]], 0))
    side = 2 * radius + 1
    means = tf.nn.avg_pool2d(flat, [side, 1], 1, "SAME")  # which counts no padding
    return tf.reshape(tf.nn.avg_pool2d(means, [1, side], 1, "SAME"), shape)
