"""How much of an object that the photo's border cuts a map finds there.

Written in `keras.ops`, as `deepusps_tf.scoring.metrics`.
"""

from typing import NamedTuple

import numpy as np
from keras import ops

_PARTS = 20  # one of them is 5 %


class BorderScores(NamedTuple):
    """What a batch has at the photos' borders.

    Attributes:
        touches: bool [B], whether the photo's object touches the border.
        border_recall: float32 [B] in [0, 1]; says nothing where it does not.
    """

    touches: object
    border_recall: object


def border_scores(foreground, mask) -> BorderScores:
    """Finds the photos whose object touches the border, and the border recall of each.

    An object touches the border where at least 5 % of the photo's outermost pixels (the frame one
    pixel wide) are true. Border recall is the share of the true pixels within the ring that are
    foreground; the ring is the outer 5 % of each side, rounded, at least 1 pixel.

    Args:
        foreground: float32 [B, H, W, 1], 0 or 1: maps cut at 0.5.
        mask: float32 [B, H, W, 1], 0 or 1.

    Returns:
        BorderScores, one value an image.
    """
    height, width = ops.shape(mask)[1:3]
    frame = _band(height, width, 1, 1)
    touches = _PARTS * _count(mask * frame) >= frame.sum()
    ring = _band(height, width, _ring_width(height), _ring_width(width))
    true = _count(mask * ring)
    return BorderScores(touches, _count(foreground * mask * ring) / ops.maximum(true, 1.0))


def _ring_width(side: int) -> int:
    return max(round(side / _PARTS), 1)


def _band(height: int, width: int, rows: int, columns: int) -> np.ndarray:
    """1 in the outer rows and columns of a picture, 0 inside: float32 [H, W, 1]."""
    band = np.ones((height, width, 1), np.float32)
    band[rows : height - rows, columns : width - columns] = 0
    return band


def _count(pixels):
    return ops.sum(pixels, axis=(1, 2, 3))
