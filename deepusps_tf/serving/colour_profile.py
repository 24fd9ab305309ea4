"""Colours as sRGB in a graph, as `data_prep.pictures.colours` brings them there.

An ICC profile is read where it has a curve and a primary for each colour, as those of cameras,
phones and screens (ICC.1:2022, section 8.3), or one curve for grey. Tables of colours are not read,
nor curves that do not begin at black, which readers disagree about.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepusps_tf.serving.icc_curve import read_curve, signed_fixed
from deepusps_tf.serving.photo_header import equals, icc_profile, number, read_bytes, shows_grey

_SAME = 2  # levels of 255 by which a profile may differ from sRGB and count as it
_BLACK = 1e-4  # of full light
_MAX_TAGS = 100
# Linear sRGB from the profile connection space (D50), by sRGB's primaries adapted to it.
_FROM_D50 = np.linalg.inv(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
).astype(np.float32)
_STEPS = range(0, 256, 51)
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), -1).reshape(-1, 3).astype(np.uint8)
_AT_ONCE = 1 << 20  # pixels; as floats they take 12 times the memory
# The sRGB value of linear light, of which the darkest step is a twentieth of a level.
_LINEAR = np.linspace(0, 1, 1 << 16)
_SHOWN = np.rint(
    255 * np.where(_LINEAR <= 0.0031308, 12.92 * _LINEAR, 1.055 * _LINEAR ** (1 / 2.4) - 0.055)
).astype(np.uint8)


class Conversion(NamedTuple):
    """What turns a photo's values into sRGB.

    Attributes:
        needed: bool scalar; false where they are sRGB already, or count as it.
        readable: bool scalar; false where the profile is of a kind that is not read here.
        light: float32 [256, 3], the linear light of each value of each channel.
        mixing: float32 [3, 3], linear sRGB from the light of the three.
    """

    needed: tf.Tensor
    readable: tf.Tensor
    light: tf.Tensor
    mixing: tf.Tensor


def conversion_of(photo: tf.Tensor) -> Conversion:
    """Reads the profile of a JPEG or PNG.

    A profile that is damaged, or is of other colours than the picture has, counts as sRGB.

    Args:
        photo: string scalar, the bytes of a file.
    """
    profile, whole = icc_profile(photo)
    found = equals(read_bytes(profile, 36, 4), b"acsp")
    made = tf.cond(
        found, lambda: _read(profile, shows_grey(photo)), lambda: Conversion(*_nothing_to_do())
    )
    return made._replace(readable=tf.logical_and(whole, made.readable))


def _nothing_to_do() -> tuple[tf.Tensor, ...]:
    light = tf.repeat(tf.linspace(0.0, 1.0, 256)[:, None], 3, 1)
    return tf.constant(False), tf.constant(True), light, tf.eye(3)


def _read(profile: tf.Tensor, grey: tf.Tensor) -> Conversion:
    space = read_bytes(profile, 16, 4)
    used = tf.where(grey, equals(space, b"GRAY"), equals(space, b"RGB "))
    tags = _tags(profile)
    of_grey, of_colours = _find(tags, b"kTRC"), (b"rTRC", b"gTRC", b"bTRC")
    places = [tf.where(grey, of_grey, _find(tags, name)) for name in of_colours]
    curves = [read_curve(profile, place) for place in places]
    light = tf.stack([curve.light for curve in curves], 1)
    primaries = [_find(tags, name) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    columns = [signed_fixed(read_bytes(profile, place + 8, 12)) for place in primaries]
    mixing = tf.where(grey, tf.eye(3), tf.matmul(_FROM_D50, tf.stack(columns, 1)))
    readable = tf.reduce_all(
        [
            *(curve.readable for curve in curves),
            tf.logical_or(grey, tf.reduce_all(tf.stack(primaries) > 0)),
            tf.equal(_find(tags, b"A2B0"), 0),
            tf.reduce_max(light[0]) <= _BLACK,
        ]
    )
    seen = _convert(tf.constant(_GRID), light, mixing)
    differs = tf.reduce_max(tf.abs(tf.cast(seen, tf.int32) - _GRID)) > _SAME
    return Conversion(
        needed=tf.reduce_all([used, readable, differs]),
        readable=tf.logical_or(readable, ~used),
        light=light,
        mixing=mixing,
    )


def to_srgb(pixels: tf.Tensor, conversion: Conversion) -> tf.Tensor:
    """Converts a photo, uint8 [H, W, 3 or 4]; opacity stays."""

    def converted():
        flat = tf.reshape(pixels[..., :3], [-1, 3])
        starts = tf.range(0, tf.shape(flat)[0], _AT_ONCE)
        parts = tf.TensorArray(
            tf.uint8, tf.size(starts), infer_shape=False, element_shape=[None, 3]
        )

        def go(number, parts):
            part = flat[starts[number] : starts[number] + _AT_ONCE]
            colours = _convert(part, conversion.light, conversion.mixing)
            return number + 1, parts.write(number, colours)

        parts = tf.while_loop(
            lambda number, _: number < tf.size(starts), go, (0, parts), parallel_iterations=1
        )[1]
        colours = tf.reshape(parts.concat(), tf.shape(pixels[..., :3]))
        return tf.concat([colours, pixels[..., 3:]], -1)

    return tf.cond(conversion.needed, converted, lambda: pixels)


def _convert(pixels: tf.Tensor, light: tf.Tensor, mixing: tf.Tensor) -> tf.Tensor:
    """Converts uint8 [N, 3]."""
    places = tf.cast(pixels, tf.int32)
    given = [tf.gather(light[:, channel], places[:, channel]) for channel in range(3)]
    linear = tf.matmul(tf.stack(given, 1), mixing, transpose_b=True)
    steps = tf.cast(tf.clip_by_value(linear, 0.0, 1.0) * (len(_SHOWN) - 1) + 0.5, tf.int32)
    return tf.gather(_SHOWN, steps)


def _tags(profile: tf.Tensor) -> tf.Tensor:
    """The entries of a profile's tag table, int64 [_MAX_TAGS, 12]; 0 behind the last."""
    table = tf.reshape(read_bytes(profile, 132, 12 * _MAX_TAGS), [_MAX_TAGS, 12])
    count = number(read_bytes(profile, 128, 4))
    return tf.where(tf.range(_MAX_TAGS, dtype=tf.int64)[:, None] < count, table, 0)


def _find(tags: tf.Tensor, name: bytes) -> tf.Tensor:
    """The place of what a tag names, int64 scalar; 0 where there is none."""
    same = tf.reduce_all(tags[:, :4] == list(name), -1)
    return tf.reduce_max(tf.where(same, number(tags[:, 4:8]), 0))
