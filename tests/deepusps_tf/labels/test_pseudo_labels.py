import pytest

from data_prep.base.errors import InputError
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.labels.pseudo_labels import handcrafted_threshold


def test_threshold_is_scaled_mean_saliency(disc_records):
    labels = open_photos(str(disc_records)).handcrafted("train", "rbd")
    assert handcrafted_threshold(labels, 1.5) == 1.5 * labels.manifest.mean_saliency
    with pytest.raises(InputError, match="leave this method out"):
        handcrafted_threshold(labels, 50)
