import numpy as np
import pytest

from deepusps_tf.scoring.border import border_scores


def scores(foreground, mask):
    """What one picture [H, W] has at its border: whether it is touched, and border recall."""
    made = border_scores(*(np.float32(each)[None, ..., None] for each in (foreground, mask)))
    return bool(made.touches[0]), float(made.border_recall[0])


def rectangle(*shape, rows, columns):
    picture = np.zeros(shape, np.float32)
    picture[slice(*rows), slice(*columns)] = 1
    return picture


def test_hand_computed_border_recall():
    # The ring of 40 x 60 pixels: 2 rows above and below, 3 columns left and right.
    mask = rectangle(40, 60, rows=(10, 20), columns=(0, 30))
    assert scores(mask, mask) == (True, 1)
    for first, recall in ((1, 2 / 3), (2, 1 / 3), (3, 0)):
        found = rectangle(40, 60, rows=(10, 20), columns=(first, 30))
        assert scores(found, mask) == (True, pytest.approx(recall))
    # In a corner: the ring has 10 x 20 true pixels less 8 x 17 inside.
    mask = rectangle(40, 60, rows=(0, 10), columns=(0, 20))
    found = rectangle(40, 60, rows=(0, 1), columns=(0, 60))
    assert scores(found, mask) == (True, pytest.approx(20 / (10 * 20 - 8 * 17)))


def test_an_object_touches_with_a_twentieth_of_the_outermost_pixels():
    # Of 41 x 61 pixels 200 are outermost.
    for length, touches in ((9, False), (10, True)):
        mask = rectangle(41, 61, rows=(20, 20 + length), columns=(0, 30))
        assert scores(mask, mask)[0] is touches
    inside = rectangle(41, 61, rows=(1, 40), columns=(1, 60))
    assert scores(inside, inside)[0] is False


@pytest.mark.parametrize(
    ("side", "width"), [(4, 1), (29, 1), (31, 2), (49, 2), (51, 3), (224, 11), (230, 12)]
)
def test_the_ring_is_a_twentieth_of_each_side_rounded_and_one_pixel_at_least(side, width):
    mask = np.ones((side, 20), np.float32)
    found = rectangle(side, 20, rows=(width, side - width), columns=(1, 19))
    assert scores(found, mask) == (True, 0)
    found[width - 1, 5] = 1
    assert scores(found, mask)[1] > 0


def test_pictures_without_an_inside_are_all_border():
    for shape in ((1, 1), (1, 7), (2, 2)):
        mask = np.ones(shape, np.float32)
        assert scores(mask, mask) == (True, 1)
        assert scores(0 * mask, mask) == (True, 0)


def test_each_picture_of_a_batch_has_its_own():
    masks = np.zeros((3, 40, 40, 1), np.float32)
    masks[0, :20], masks[1, 10:20, 10:20] = 1, 1
    made = border_scores(np.zeros_like(masks), masks)
    assert np.asarray(made.touches).tolist() == [True, False, False]
    assert float(made.border_recall[0]) == 0
