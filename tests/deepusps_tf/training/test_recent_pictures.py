import numpy as np

from deepusps_tf.training.recent_pictures import RecentPictures


def test_pictures_are_those_of_the_epoch():
    pictures = RecentPictures()
    photos, maps = np.full([2, 4, 4, 3], 51.0), np.linspace(0.0, 1.0, 32).reshape(2, 4, 4)
    pictures.receive(np.array([1, 0]), photos, maps)
    assert len(pictures.pairs()) == 2
    pictures.forget()  # an epoch begins in which another worker has photo 0
    pictures.receive(np.array([1, 7]), photos, maps)
    (pair,) = pictures.pairs()
    assert pair.shape == (4, 8, 3) and np.allclose(pair[:, :4], 0.2)
    assert np.array_equal(pair[:, 4:], np.repeat(maps[0][..., None], 3, axis=-1))
