"""The CRF as a part of a graph: each pixel is joined with some neighbours instead of with all.

Written in TensorFlow's plainest operations, which SavedModel, ONNX and LiteRT all have.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepusps_tf.labels.crf import RELEASE_SIDE, CrfSettings

# As `labels.crf` does: a probability of exactly 0 or 1 would give infinite logits.
_CLIP = 1e-5
_RADIUS = 2  # steps to each side in a ring: 5x5
_REACHES = 1.6  # how many reaches of the bilateral kernel the rings cover at least


class Neighbour(NamedTuple):
    """A pixel that another is joined with.

    Attributes:
        rows: how many rows below it lies.
        columns: how many columns right of it.
        weight: the bilateral kernel at colours that are equal, times the pixels it stands for.
    """

    rows: int
    columns: int
    weight: float


def neighbours(reach: float, side: int) -> list[Neighbour]:
    """Lists the pixels that a pixel is joined with: all 5x5, then rings ever wider and sparser.

    The rings have 16 pixels each, 2, 4, 8, ... apart, as the outer ones of 5x5 have; a pixel of a
    ring stands for as many as lie between it and the next. The widest is at least 1.6 reaches away,
    or as far as the picture goes.

    Args:
        reach: standard deviation of the bilateral kernel in pixels.
        side: of the picture in pixels.
    """
    found, step = [], 1
    while True:
        for rows, columns in np.ndindex(2 * _RADIUS + 1, 2 * _RADIUS + 1):
            y, x = step * (rows - _RADIUS), step * (columns - _RADIUS)
            if step == 1 or max(abs(y), abs(x)) == _RADIUS * step:
                weight = step**2 * math.exp(-(y * y + x * x) / (2 * reach**2))
                found.append(Neighbour(y, x, weight))
        if _RADIUS * step >= min(_REACHES * reach, (side - 1) // 2):
            return found
        step *= 2


def refine_in_graph(
    probability: tf.Tensor, photos: tf.Tensor, crf: CrfSettings, side: int
) -> tf.Tensor:
    """Mean-field inference as `labels.crf.refine`, over `neighbours` instead of all pixels.

    With two labels its step is `logit = logit(p) + w1 K1 m + w2 K2 m`, `m = tanh(logit / 2)`, where
    K1 is the bilateral kernel and K2 the Gaussian, each normalised as there: by the square roots of
    its sums at both pixels. Nothing lies beyond the border.

    Args:
        probability: float32 [B, S, S, 1] in [0, 1].
        photos: float32 [B, S, S, 3] in 0..255.
        crf: the constants, scaled to S as there.
        side: S.

    Returns:
        float32 [B, S, S, 1] in [0, 1].
    """
    scale = side / RELEASE_SIDE
    given = tf.clip_by_value(probability[..., 0], _CLIP, 1 - _CLIP)
    logit = tf.math.log(given) - tf.math.log(1 - given)
    joins = [
        (crf.bilateral_compat, _bilateral(photos, crf, side)),
        (crf.gaussian_compat, _gaussian(crf.gaussian_sxy * scale, side)),
    ]
    ones = tf.ones_like(given)
    joins = [(weight, kernel, tf.math.rsqrt(kernel(ones))) for weight, kernel in joins]
    difference = 2 * given - 1  # of the two labels' probabilities
    for _ in range(crf.iterations):
        messages = [weight * norm * kernel(norm * difference) for weight, kernel, norm in joins]
        difference = tf.tanh((logit + tf.add_n(messages)) / 2)
    return ((difference + 1) / 2)[..., None]


def _bilateral(photos: tf.Tensor, crf: CrfSettings, side: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """The bilateral kernel of photos, which sums pictures [B, S, S] over neighbours."""
    joined = neighbours(crf.bilateral_sxy * side / RELEASE_SIDE, side)
    colours = tf.unstack(photos / (math.sqrt(2) * crf.bilateral_srgb), axis=-1)
    moved = [_Moved(colour, side, joined) for colour in colours]
    likeness = []
    for place in joined:
        distances = [
            tf.math.squared_difference(there.by(place), here)
            for there, here in zip(moved, colours, strict=True)
        ]
        likeness.append(place.weight * tf.exp(-tf.add_n(distances)))

    def summed(picture: tf.Tensor) -> tf.Tensor:
        there = _Moved(picture, side, joined)
        terms = [alike * there.by(place) for alike, place in zip(likeness, joined, strict=True)]
        return tf.add_n(terms)

    return summed


class _Moved:
    """Pictures [B, S, S] that can be moved; what comes in from beyond the border is 0."""

    def __init__(self, picture: tf.Tensor, side: int, joined: Sequence[Neighbour]):
        self._margin = max(place.rows for place in joined)
        self._side = side
        edge = [self._margin, self._margin]
        self._padded = tf.pad(picture, [[0, 0], edge, edge])

    def by(self, place: Neighbour) -> tf.Tensor:
        """The pictures, float32 [B, S, S], with each pixel's neighbour in its place."""
        top, left = self._margin + place.rows, self._margin + place.columns
        return self._padded[:, top : top + self._side, left : left + self._side]


def _gaussian(reach: float, side: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """The Gaussian kernel: down and across, as products with a matrix [S, S]."""
    places = np.arange(side)
    kernel = np.exp(-(((places[:, None] - places) / reach) ** 2) / 2)
    matrix = tf.constant(kernel, tf.float32)
    return lambda pictures: matrix @ pictures @ matrix
