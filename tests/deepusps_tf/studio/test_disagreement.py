import cv2
import numpy as np
import pytest

from deepusps_tf.studio.disagreement import disagreement, disagreements


def level(value, shape=(8, 8)):
    return np.full(shape, value, np.uint8)


def test_it_is_how_far_labels_are_from_their_mean():
    assert disagreement([level(255), level(255)]) == 0
    assert disagreement([level(255), level(0)]) == pytest.approx(0.5)
    assert disagreement([level(255), level(0), level(0)]) == pytest.approx((2 + 1 + 1) / 9)
    halves = np.zeros((8, 8), np.uint8)
    halves[:, :4] = 255
    assert disagreement([halves, level(0, (20, 30))]) == pytest.approx(0.25)


def test_a_set_is_compared_photo_by_photo_with_maps_cut(gallery):
    view = gallery.view()
    mean = [np.abs(gallery_labels(gallery, view, place)).mean() for place in range(10)]
    np.testing.assert_allclose(view.disagreement, mean, atol=0.02)
    assert view.disagreement.tolist() == disagreements(view.methods).tolist()
    assert list(view.order) == sorted(range(10), key=lambda place: -view.disagreement[place])


def gallery_labels(gallery, view, place):
    """Half the difference of RBD's flat label and the cut map of MC."""
    png = gallery.stored_map("mc", place)

    grey = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    cut = (grey > 255 * view.methods[1].threshold).astype(float)
    return (25 * place / 255 - cut) / 2
