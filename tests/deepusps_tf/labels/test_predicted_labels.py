import numpy as np

from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.labels.crf import RELEASE_SETTINGS, refine
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.predicted_labels import predicted_labels


class Sloping:
    """Finds a photo more salient towards its right, and where it is bright."""

    def predict_on_batch(self, photos):
        slope = np.linspace(0, 0.8, photos.shape[2], dtype=np.float32)
        return slope[:, None] + photos[..., :1] / 255 * 0.2


def labels(images, pool):
    made = predicted_labels(network=Sloping(), images=images, size=32, batch_size=4, pool=pool)
    return np.stack(list(made))


def photos_of(images):
    (batch,) = scoring_batches(images=images, size=32, batch_size=len(images.ids))
    return batch["image"].numpy()


def test_a_label_is_the_mean_of_both_views_in_record_order(disc_photos):
    photos = photos_of(disc_photos)
    # The slope and its mirror image are 0.4 everywhere in the mean.
    expected = (0.4 + photos[..., 0] / 255 * 0.2) * 255
    made = labels(disc_photos, None)
    assert made.dtype == np.uint8 and made.shape == (10, 32, 32)
    assert np.abs(made - expected).max() < 0.501


def test_the_crf_refines_the_mean_once(disc_photos):
    photos = photos_of(disc_photos)
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        made = labels(disc_photos, pool)
    for label, photo in zip(made, photos, strict=True):
        mean = np.float32(0.4) + photo[..., 0] / 255 * np.float32(0.2)
        refined = refine(np.rint(photo).astype(np.uint8), mean)
        assert np.abs(label - refined * 255).max() < 1
