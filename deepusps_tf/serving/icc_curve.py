"""Tone curves of ICC profiles in a graph (ICC.1:2022, sections 10.6 and 10.18)."""

from typing import NamedTuple

import tensorflow as tf

from deepusps_tf.serving.photo_header import cut, equals, number, read_bytes

_LEVELS = 256
# How many parameters each function has, of g a b c d e f.
_PARAMETERS = (1, 3, 4, 5, 7)


class Curve(NamedTuple):
    """A tone curve.

    Attributes:
        readable: bool scalar.
        light: float32 [256], linear light of the values 0 to 255.
    """

    readable: tf.Tensor
    light: tf.Tensor


def read_curve(profile: tf.Tensor, place: tf.Tensor) -> Curve:
    """Reads a `curv` or `para` element.

    Args:
        profile: string scalar.
        place: where it begins, int64 scalar.
    """
    kind = read_bytes(profile, place, 4)
    sampled, formula = equals(kind, b"curv"), equals(kind, b"para")
    function = number(read_bytes(profile, place + 8, 2))
    known = tf.logical_and(formula, function < len(_PARAMETERS))
    values = tf.linspace(0.0, 1.0, _LEVELS)
    light = tf.case(
        [
            (sampled, lambda: _sampled(profile, place, values)),
            (known, lambda: _by_formula(profile, place, function, values)),
        ],
        default=lambda: values,
    )
    return Curve(tf.logical_or(sampled, known), light)


def signed_fixed(field: tf.Tensor) -> tf.Tensor:
    """Reads numbers of 16.16 bits with a sign: int64 [4 n] -> float32 [n]."""
    whole = number(tf.reshape(field, [-1, 4]))
    return tf.cast(tf.where(whole >= 1 << 31, whole - (1 << 32), whole), tf.float32) / 65536


def _sampled(profile: tf.Tensor, place: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """A curve by equidistant samples; none: as it is; one: a power."""
    count = number(read_bytes(profile, place + 8, 4))
    found = cut(profile, place + 12, 2 * count)
    even = tf.strings.substr(found, 0, tf.strings.length(found) // 2 * 2)
    samples = tf.cast(tf.io.decode_raw(even, tf.uint16, little_endian=False), tf.float32)

    def between():
        last = tf.shape(samples)[0] - 1
        at = values * tf.cast(last, tf.float32)
        below = tf.minimum(tf.cast(at, tf.int32), last - 1)
        low, high = tf.gather(samples, below), tf.gather(samples, below + 1)
        return (low + (high - low) * (at - tf.cast(below, tf.float32))) / 65535

    return tf.case(
        [
            (tf.size(samples) == 0, lambda: values),
            (tf.size(samples) == 1, lambda: tf.pow(values, samples[0] / 256)),
        ],
        default=between,
    )


def _by_formula(profile, place, function, values: tf.Tensor) -> tf.Tensor:
    """(a x + b)^g + e from d on, c x + f below; simpler functions leave some of them out."""
    given = signed_fixed(read_bytes(profile, place + 12, 4 * 7))
    left_out = tf.range(7) >= tf.gather(_PARAMETERS, function)
    g, a, b, c, d, e, f = tf.unstack(tf.where(left_out, 0.0, given))
    simple = function == 0
    a = tf.where(simple, 1.0, a)
    early = tf.logical_or(function == 1, function == 2)
    # The first three begin where a x + b does, the third with c everywhere.
    d = tf.where(early, tf.math.divide_no_nan(-b, a), d)
    e = tf.where(function == 2, c, e)
    f = tf.where(function == 2, c, f)
    slope = tf.where(tf.logical_or(simple, early), 0.0, c)
    power = tf.pow(tf.maximum(a * values + b, 0.0), g) + e
    return tf.where(values >= d, power, slope * values + f)
