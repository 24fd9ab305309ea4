import numpy as np
import pytest
import tensorflow as tf

from deepusps_tf.data.augmentation import (
    WHOLE,
    change_colours,
    draw_part,
    inside_ring,
    show_part,
)


def seed(number):
    return tf.constant([7, number], tf.int64)


def square(*, side=40, top=10, left=10, extent=20):
    """Labels that are 1 in a square."""
    labels = np.zeros((side, side, 1), np.float32)
    labels[top : top + extent, left : left + extent] = 1
    return labels


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_a_share_of_photos_is_shown_in_part(share):
    parts = np.stack([draw_part(seed(n), square(), share) for n in range(400)])
    cut = (parts != WHOLE).any(axis=1)
    assert abs(cut.mean() - share) < 4 * np.sqrt(share * (1 - share) / 400)
    top, left, bottom, right = parts[cut].T
    assert parts.min() >= 0 and parts.max() <= 1
    # Sides of half to whole photos, up to a fifth longer or shorter in one direction.
    for extent in (bottom - top, right - left):
        assert 0.5 * np.exp(-0.2) - 1e-6 <= extent.min() < 0.5 and extent.max() > 0.95


def test_a_part_shows_enough_of_the_object_and_more_than_it():
    labels = square(extent=12)
    seen = []
    for number in range(200):
        part = draw_part(seed(number), labels, 1.0)
        shown = show_part(labels, part)
        seen.append((shown.sum() / labels.sum(), shown.mean()))
    kept, covered = np.transpose(seen)
    assert 0.4 <= kept.min() < 0.7 and kept.max() == 1
    assert covered.min() > 0.03 and covered.max() < 0.85


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_photos_without_background_or_object_are_shown_whole(fill):
    labels = np.full((20, 20, 2), fill, np.float32)
    for number in range(20):
        assert np.array_equal(draw_part(seed(number), labels, 1.0), WHOLE)


def test_a_part_is_cut_to_whole_pixels_at_any_size():
    picture = np.arange(6 * 10).reshape(6, 10, 1)
    part = tf.constant([0.5, 0.1, 1.0, 0.6])
    assert np.array_equal(show_part(picture, part), picture[3:6, 1:6])
    assert show_part(picture[:1, :1], part).shape == (1, 1, 1)
    assert np.array_equal(show_part(picture, tf.constant(WHOLE)), picture)


def test_the_ring_lies_along_the_border_of_the_whole_photo_alone():
    # Centres of 10 pixels: .05, .15 and so on, so a ring of .1 is one pixel wide.
    whole = np.pad(np.ones((8, 8)), 1)
    assert np.array_equal(inside_ring(tf.constant(WHOLE), 10, 0.1)[..., 0], whole)
    # The upper left quarter: twice as large, so two pixels, and none at its own two edges.
    quarter = np.pad(np.ones((8, 8)), [[2, 0], [2, 0]])
    part = tf.constant([0.0, 0.0, 0.5, 0.5])
    assert np.array_equal(inside_ring(part, 10, 0.1)[..., 0], quarter)
    middle = tf.constant([0.2, 0.2, 0.8, 0.9])
    assert np.array_equal(inside_ring(middle, 10, 0.1)[..., 0], np.ones((10, 10)))


def test_colours_by_hand(monkeypatch):
    factors = [1.2, 0.5, 2.0]  # contrast, brightness, root of saturation
    monkeypatch.setattr(
        "deepusps_tf.data.augmentation._uniform", lambda *_: tf.math.log(tf.constant(factors))
    )
    photo = np.array([[[40.0, 50.0, 60.0], [90.0, 100.0, 110.0]]], np.float32)  # of mean 75
    changed = change_colours(seed(0), photo, 0.2).numpy()[0]
    # (50 - 75) 1.2 + 75 / 2 = 7.5 and, of the other, 67.5; colours lie 12 apart, then 48.
    np.testing.assert_allclose(changed, [[0, 7.5, 55.5], [19.5, 67.5, 115.5]], atol=1e-4)


def test_colours_keep_their_range_and_differ_by_seed():
    photo = np.random.default_rng(0).uniform(0, 255, (8, 8, 3)).astype(np.float32)
    made = [change_colours(seed(n), photo, 0.5).numpy() for n in (0, 0, 1)]
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])
    assert min(map(np.min, made)) >= 0 and max(map(np.max, made)) <= 255
