"""What training changes of a photo before it is seen: side, part that is shown, colours, edge.

Random numbers are functions of a seed, int64 [2], alone.
"""

import dataclasses

import tensorflow as tf

_TRIES = 5
_SIDES = (0.5, 1.0)  # of a part, in sides of the photo
_ASPECT = 0.2  # log of a part's width over height, at most, to either side, halved
_KEPT = 0.4  # least share of the labels' foreground in a part
_COVERED = (0.03, 0.85)  # least and largest share of a part that is foreground
WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclasses.dataclass(frozen=True)
class PhotoChanges:
    """How photos, and with them their labels, are changed.

    Attributes:
        mirror: whether a random half of each epoch's photos is mirrored left to right.
        crops: share of an epoch's photos of which a part is shown (`draw_part`).
        colours: how far photos' colours are changed (`change_colours`); labels have none.
        ring: width of the ring along the border of whole photos in which labels do not count
            (`inside_ring`).
    """

    mirror: bool = False
    crops: float = 0.0
    colours: float = 0.0
    ring: float = 0.0


UNCHANGED = PhotoChanges()


def draw_part(seed: tf.Tensor, labels: tf.Tensor, share: float) -> tf.Tensor:
    """Draws which part of a photo is shown: objects then reach the border as they do in life.

    A part that holds too little of the object, or little but it, would teach nothing. Where five
    draws give no other, all of the photo is shown.

    Args:
        seed: int64 [2].
        labels: float32 [S, S, M] in [0, 1], the whole photo's.
        share: of photos that are shown in part, 0 to 1.

    Returns:
        Float32 [4], the part's top, left, bottom and right in sides of the photo.
    """
    sides = _uniform(seed, 1, [_TRIES], *_SIDES)
    aspects = tf.exp(_uniform(seed, 2, [_TRIES], -_ASPECT, _ASPECT))
    extents = tf.minimum(tf.stack([sides * aspects, sides / aspects], axis=1), 1.0)
    starts = _uniform(seed, 3, [_TRIES, 2], 0.0, 1.0) * (1.0 - extents)
    parts = tf.concat([starts, starts + extents], axis=1)
    useful = _are_useful(parts, tf.reduce_mean(labels, axis=-1))
    chosen = _uniform(seed, 4, [], 0.0, 1.0) < share
    part = parts[tf.argmax(tf.cast(useful, tf.int32))]
    return tf.where(chosen & tf.reduce_any(useful), part, tf.constant(WHOLE))


def show_part(picture: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """Cuts a part, as of `draw_part`, out of a picture [H, W, C] of at least one pixel."""
    corners = _corners(part, tf.shape(picture)[:2])
    return picture[corners[0] : corners[2], corners[1] : corners[3]]


def inside_ring(part: tf.Tensor, size: int, ring: float) -> tf.Tensor:
    """Says which pixels of a part lie off the ring along the photo's own border.

    Handcrafted methods take what touches the border for background, so labels are worst there. The
    border of a part is none of the photo: labels count up to it.

    Args:
        part: float32 [4], of `draw_part`.
        size: S, the side of the square that shows the part.
        ring: its width in sides of the photo, 0 to less than 0.5.

    Returns:
        float32 [S, S, 1]: 1 where a pixel's centre lies off the ring, else 0.
    """
    centres = (tf.range(size, dtype=tf.float32) + 0.5) / size
    top, left, bottom, right = tf.unstack(part)
    rows, columns = top + centres * (bottom - top), left + centres * (right - left)
    off_rows, off_columns = (
        (places >= ring) & (places <= 1.0 - ring) for places in (rows, columns)
    )
    return tf.cast(off_rows[:, None, None] & off_columns[None, :, None], tf.float32)


def change_colours(seed: tf.Tensor, photo: tf.Tensor, amount: float) -> tf.Tensor:
    """Changes contrast, brightness and saturation of a photo by random factors.

    Args:
        seed: int64 [2].
        photo: float32 [H, W, 3] in 0..255.
        amount: contrast and brightness change by factors of exp(-amount) to exp(amount),
            saturation by the square of such a factor.

    Returns:
        float32 [H, W, 3] in 0..255.
    """
    contrast, brightness, colour = tf.unstack(tf.exp(_uniform(seed, 5, [3], -amount, amount)))
    mean = tf.reduce_mean(photo)
    photo = (photo - mean) * contrast + mean * brightness
    grey = tf.reduce_mean(photo, axis=-1, keepdims=True)
    return tf.clip_by_value(grey + (photo - grey) * colour**2, 0.0, 255.0)


def _are_useful(parts: tf.Tensor, foreground: tf.Tensor) -> tf.Tensor:
    """Says of parts [P, 4] whether they show enough of the foreground [S, S], and more than it."""
    corners = _corners(parts, tf.shape(foreground))
    sums = tf.pad(tf.cumsum(tf.cumsum(foreground, 0), 1), [[1, 0], [1, 0]])
    top, left, bottom, right = tf.unstack(corners, axis=-1)

    def below(rows, columns):
        return tf.gather_nd(sums, tf.stack([rows, columns], axis=-1))

    shown = below(bottom, right) - below(top, right) - below(bottom, left) + below(top, left)
    covered = shown / tf.cast((bottom - top) * (right - left), tf.float32)
    kept = shown >= _KEPT * sums[-1, -1]
    return kept & (covered > _COVERED[0]) & (covered < _COVERED[1])


def _corners(parts: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Rounds parts [..., 4] to pixels of a picture of [H, W]: int32 [..., 4], none empty."""
    scale = tf.cast(tf.concat([shape, shape], 0), tf.float32)
    corners = tf.cast(tf.round(parts * scale), tf.int32)
    first = tf.minimum(corners[..., :2], shape - 1)
    return tf.concat([first, tf.maximum(corners[..., 2:], first + 1)], axis=-1)


def _uniform(seed: tf.Tensor, draw: int, shape: list[int], low: float, high: float) -> tf.Tensor:
    """Draws numbers of which each `draw` has its own."""
    own = tf.random.experimental.stateless_fold_in(seed, draw)
    return tf.random.stateless_uniform(shape, own, low, high)
