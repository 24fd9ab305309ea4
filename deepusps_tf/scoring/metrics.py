"""How a saliency map is scored against a truth mask, image by image.

Written in `keras.ops`, so that the figures are the same on every Keras backend.
"""

from typing import NamedTuple

from keras import ops

from deepusps_tf.scoring.border import border_scores

# The weight the field gives precision over recall when it reports F-beta.
REPORTED_BETA_SQUARED = 0.3


class ImageScores(NamedTuple):
    """Scores of a batch, each float32 [B] in [0, 1], but `touches`, bool [B].

    The last two are those of `BorderScores`: border recall says nothing where no object touches the
    border.
    """

    mae: object
    f_fixed: object
    f_adaptive: object
    precision: object
    recall: object
    touches: object
    border_recall: object


def image_scores(probability, mask) -> ImageScores:
    """Scores each map against its mask with both thresholds in use.

    The network rows of the paper cut at 0.5 (`f_fixed`, `precision`, `recall`), its handcrafted
    rows at twice the map's own mean (`f_adaptive`). Border recall cuts all at 0.5.

    Args:
        probability: float32 [B, H, W, 1] in [0, 1].
        mask: float32 [B, H, W, 1], 0 or 1.

    Returns:
        ImageScores, one value an image.
    """
    foreground = ops.cast(probability > 0.5, "float32")
    precision, recall, f_fixed = f_beta(foreground, mask)
    threshold = ops.minimum(2.0 * ops.mean(probability, axis=(1, 2, 3), keepdims=True), 1.0)
    f_adaptive = f_beta(ops.cast(probability >= threshold, "float32"), mask)[2]
    return ImageScores(
        mean_absolute_error(probability, mask),
        *(f_fixed, f_adaptive, precision, recall),
        *border_scores(foreground, mask),
    )


def mean_absolute_error(probability, mask):
    """L1 distance of map and mask, averaged over the pixels: [B, H, W, 1] twice -> [B]."""
    return ops.mean(ops.abs(probability - mask), axis=(1, 2, 3))


def f_beta(foreground, mask, beta_squared: float = REPORTED_BETA_SQUARED):
    """Precision, recall and F-beta of a binary map.

    F = (1 + beta^2) precision recall / (beta^2 precision + recall), as in the paper's equation 2.
    Where nothing is predicted precision is 1, where nothing is true recall is 1, and F of 0/0 is 0.

    Args:
        foreground: float32 [B, H, W, 1], 0 or 1.
        mask: float32 [B, H, W, 1], 0 or 1.
        beta_squared: beta^2 itself, not beta.

    Returns:
        (precision, recall, F), each float32 [B].
    """
    hit = ops.sum(foreground * mask, axis=(1, 2, 3))
    predicted = ops.sum(foreground, axis=(1, 2, 3))
    true = ops.sum(mask, axis=(1, 2, 3))
    precision = ops.where(predicted > 0, hit / ops.maximum(predicted, 1.0), 1.0)
    recall = ops.where(true > 0, hit / ops.maximum(true, 1.0), 1.0)
    below = beta_squared * precision + recall
    score = (1 + beta_squared) * precision * recall / ops.where(below > 0, below, 1.0)
    return precision, recall, score
