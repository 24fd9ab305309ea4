import keras
import numpy as np
import pytest
import tensorflow as tf

from data_prep.records.format import LabelRecord, open_labels, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.fusion.assessment import (
    assessment_inputs,
    assessment_network,
    assessment_targets,
    least_error,
    train_assessment,
)
from tests.deepusps_tf.conftest import disc_photo, write_disc_records

LABELS = np.float32([[[[0.0, 0.3, 0.9]]], [[[1.0, 1.0, 1.0]]]])  # two photos of one pixel


def test_targets_by_hand():
    targets = np.asarray(assessment_targets(LABELS))
    assert targets.shape == (6, 1, 1, 1)
    assert targets.ravel() == pytest.approx([0.36, 0.0225, 0.5625, 0, 0, 0], abs=1e-6)


def test_inputs_by_hand():
    image = np.float32([[[[255, 0, 51]]], [[[0, 0, 0]]]])
    inputs = np.asarray(assessment_inputs(image, LABELS))
    assert inputs.shape == (6, 1, 1, 5)
    spread = np.std([0.0, 0.3, 0.9])
    assert inputs[1].ravel() == pytest.approx([0.5, -0.5, -0.3, 0.3, spread], abs=1e-6)
    assert inputs[5].ravel() == pytest.approx([-0.5, -0.5, -0.5, 1, 0], abs=1e-6)


def test_the_label_of_least_error_is_taken_pixel_by_pixel():
    # This network calls a label's distance from .5 its error.
    network = keras.Sequential([keras.Input((2, 2, 5)), keras.layers.Lambda(distance_from_half)])
    labels = [[[0.0, 0.6, 0.9], [0.4, 1.0, 0.8]], [[1.0, 1.0, 0.0], [0.1, 0.2, 0.3]]]
    taken = least_error(network, tf.zeros([1, 2, 2, 3]), tf.constant([labels]))
    assert taken == pytest.approx(np.float32([[[0.6, 0.4], [1.0, 0.3]]]))


def distance_from_half(x):
    return abs(x[..., 3:4] - 0.5)


def test_network_keeps_the_size_and_is_repeatable():
    network, again = assessment_network(16, seed=3), assessment_network(16, seed=3)
    assert network.output_shape == (None, 16, 16, 1)
    for a, b in zip(network.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.slow
def test_fused_labels_are_better_than_any_and_than_a_vote(tmp_path):
    """Each of three labels is wrong, independently, in a rectangle of each photo."""
    count, size = 24, 32
    write_disc_records(tmp_path, count=count, methods=())
    images = open_set(f"{tmp_path}/images")
    labels = []
    for method in range(3):
        random = np.random.default_rng(method)
        stem = f"{tmp_path}/labels/{method}"
        records = (spoilt_label(photo_id, random) for photo_id in images.ids)
        write_shards(stem=stem, records=records, count=count)
        labels.append(open_labels(stem, images))
    network = train_assessment(
        images=images, labels=labels, size=size, batch_size=8, epochs=25, seed=0
    )
    batch = next(iter(scoring_batches(images=images, labels=labels, size=size, batch_size=count)))
    fused = least_error(network, batch["image"], batch["labels"])
    truth, maps = batch["mask"].numpy(), batch["labels"].numpy()
    each = np.abs(maps - truth).mean(axis=(0, 1, 2))
    vote = np.abs(np.median(maps, axis=-1) - truth[..., 0]).mean()
    assert np.abs(fused - truth[..., 0]).mean() < 0.7 * vote and vote < each.min()


def spoilt_label(photo_id: str, random: np.random.Generator) -> LabelRecord:
    label = disc_photo(int(photo_id.removeprefix("photo")))[1]
    top, left = random.integers(0, 20, 2)
    label[top : top + 20, left : left + 24] = 255 - label[top : top + 20, left : left + 24]
    return LabelRecord.from_map(photo_id, label)
