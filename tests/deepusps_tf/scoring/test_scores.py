import keras
import numpy as np
import pytest

from data_prep.records.format import LabelRecord, open_labels, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.labels.crf import RELEASE_SETTINGS
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.scoring.scores import Scores, score_labels, score_maps, score_network
from tests.deepusps_tf.conftest import SIDE, disc_photo


def test_means_over_images_not_pixels():
    maps = np.zeros((3, 4, 4), np.float32)
    masks = np.zeros((3, 4, 4), np.float32)
    maps[0, :2], masks[0, :2] = 1, 1  # right: F 1, MAE 0
    maps[1, :, :], masks[1, :2] = 1, 1  # all foreground: P .5, R 1, MAE .5
    scores = score_maps([(maps[:2], masks[:2]), (maps[2:], masks[2:])])  # third: empty and right
    assert scores.count == 3
    assert scores.mae == pytest.approx(0.5 / 3)
    assert scores.precision == pytest.approx((1 + 0.5 + 1) / 3)
    assert scores.recall == pytest.approx(1)
    assert scores.f_fixed == pytest.approx((1 + 1.3 * 0.5 / 1.15 + 1) / 3)


def test_figures_of_the_border_are_means_over_photos_that_it_cuts():
    masks = np.zeros((3, 4, 4), np.float32)
    masks[0, :2], masks[1, 1:3, 1:3], masks[2, :, :2] = 1, 1, 1  # the second inside
    maps = masks.copy()
    maps[0, 1], maps[1] = 0, 0  # of the first 4 of 6 outermost pixels, 4 of 8 in all
    scores = score_maps([(maps[:1], masks[:1]), (maps[1:], masks[1:])])
    assert scores.border_recall == pytest.approx((4 / 6 + 1) / 2)
    assert scores.f_touching == pytest.approx((1.3 * 0.5 / (0.3 + 0.5) + 1) / 2)
    assert scores.f_fixed == pytest.approx(2 * scores.f_touching / 3)


def test_figures_of_the_border_are_none_where_it_cuts_no_object():
    masks = np.zeros((2, 4, 4), np.float32)
    masks[0, 1:3, 1:3] = 1
    for maps in (masks, 1 - masks):
        scores = score_maps([(maps, masks)])
        assert (scores.border_recall, scores.f_touching) == (None, None)
        assert list(scores.named()) == [
            *("count", "mae", "f_fixed", "f_adaptive", "precision", "recall")
        ]


def test_labels_equal_to_the_truth_score_perfectly(disc_records):
    images = open_set(f"{disc_records}/train/images")
    truth = (LabelRecord.from_map(f"photo{n:03d}", disc_photo(n)[1]) for n in range(10))
    folder = f"{disc_records}/train/labels/truth/round0"
    write_shards(stem=folder, records=truth, count=10)
    scores = score_labels(images=images, labels=open_labels(folder, images), size=SIDE)
    assert scores == Scores(10, mae=0, f_fixed=1, f_adaptive=1, precision=1, recall=1)


def test_crf_cleans_a_noisy_network(disc_records):
    images = open_set(f"{disc_records}/test/images")
    image = keras.Input((32, 32, 3))
    grey = keras.ops.mean(image, axis=-1, keepdims=True)
    network = keras.Model(image, keras.ops.clip(grey / 300 + 0.1, 0, 1))
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        scores = score_network(network=network, images=images, size=32, batch_size=3, pool=pool)
    assert list(scores) == ["prediction", "prediction + CRF"]
    assert scores["prediction + CRF"].mae < scores["prediction"].mae
    plain = score_network(network=network, images=images, size=32, batch_size=3, pool=None)
    assert plain == {"prediction": scores["prediction"]}
