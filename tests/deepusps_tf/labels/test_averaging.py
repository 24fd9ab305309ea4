import numpy as np
import pytest

from deepusps_tf.data.batches import DUPLICATE
from deepusps_tf.labels.averaging import Averaging
from deepusps_tf.labels.crf import RELEASE_SETTINGS, refine
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.moving_average import MovingAverage
from tests.deepusps_tf.conftest import disc_photo


@pytest.fixture
def predictions():
    """Three photos with blurred predictions, the last a duplicate."""
    random = np.random.default_rng(0)
    photos = np.stack([disc_photo(number)[0][:32, :32] for number in range(3)]).astype(np.float32)
    return np.array([1, 0, DUPLICATE]), photos, random.random((3, 32, 32), np.float32)


def stored(folder, epoch):
    return np.load(folder / f"mva-{epoch:04d}.npy").astype(np.float32)


def test_epochs_are_averaged_without_duplicates(tmp_path, predictions):
    averaging = Averaging(MovingAverage(tmp_path, 2, 32, 0.7), None)
    for epoch in range(2):
        averaging.on_epoch_begin(epoch)
        averaging.receive(*predictions)
        averaging.on_epoch_end(epoch)
    expected = (0.3 + 0.7 * 0.3) * predictions[2][[1, 0]]
    assert np.abs(stored(tmp_path, 2) - expected).max() < 1e-3


def test_an_epoch_ends_when_all_its_photos_are_refined(tmp_path, predictions):
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        averaging = Averaging(MovingAverage(tmp_path, 2, 32, 0.7), pool)
        averaging.on_epoch_begin(0)
        averaging.receive(*predictions)
        averaging.on_epoch_end(0)
    _, photos, maps = predictions
    expected = [0.3 * refine(photos[n].astype(np.uint8), maps[n]) for n in (1, 0)]
    assert np.abs(stored(tmp_path, 1) - expected).max() < 1e-3


def test_a_photo_that_does_not_come_ends_the_epoch_with_an_error(tmp_path, predictions):
    averaging = Averaging(MovingAverage(tmp_path, 2, 32, 0.7), None)
    averaging.on_epoch_begin(0)
    averaging.receive(*(part[:1] for part in predictions))
    with pytest.raises(RuntimeError, match="photo 0 0 times"):
        averaging.on_epoch_end(0)
