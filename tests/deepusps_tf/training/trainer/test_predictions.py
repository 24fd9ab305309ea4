import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.records.format import open_labels
from deepusps_tf.data.augmentation import PhotoChanges
from deepusps_tf.data.batches import DUPLICATE, scoring_batches, training_batches
from deepusps_tf.labels.crf import RELEASE_SETTINGS, refine
from deepusps_tf.labels.crf_pool import CrfPool
from tests.deepusps_tf.conftest import (
    label_maps,
    started_model,
    tiny_model,
)
from tests.deepusps_tf.training.trainer.conftest import record_pushes

pytestmark = pytest.mark.usefixtures("tiny_network")


@pytest.mark.parametrize("devices", ["cpu:1", "cpu:4"])
def test_every_photo_enters_once_an_epoch(tmp_path, run_round, monkeypatch, devices):
    pushed = record_pushes(monkeypatch)
    result = run_round(tmp_path / "w", devices=devices)
    entered = [index for index, _, _ in pushed if index != DUPLICATE]
    assert sorted(entered) == sorted(list(range(10)) * 2)
    assert len(result.losses) == 2 and result.losses[1] < result.losses[0]


def test_labels_are_the_crf_refined_average_of_what_was_handed_over(
    tmp_path, run_round, disc_photos, monkeypatch
):
    pushed = record_pushes(monkeypatch)
    with CrfPool(1, RELEASE_SETTINGS) as pool:
        result = run_round(tmp_path / "w", pool=pool)
    expected = np.zeros((10, 32, 32))
    for index, image, probability in pushed:
        if index != DUPLICATE:
            refined = refine(np.rint(image).astype(np.uint8), probability)
            expected[index] = 0.3 * refined + 0.7 * expected[index]
    expected = 255 * expected / (1 - 0.7**2)
    assert np.abs(label_maps(result.folder) - expected).max() < 1


def test_handed_over_prediction_is_made_before_the_update(
    tmp_path, run_round, tiny_config, monkeypatch
):
    pushed = record_pushes(monkeypatch)
    run_round(tmp_path / "w")
    first = [(image, probability) for _, image, probability in pushed[:4]]
    images = np.stack([image for image, _ in first])
    expected = started_model(tiny_config, "rbd/round1")(images, training=True).numpy()[..., 0]
    assert np.abs(np.stack([probability for _, probability in first]) - expected).max() < 1e-5


def test_mirrored_photos_are_handed_over_as_they_were(
    tmp_path, run_round, tiny_config, monkeypatch, disc_photos, disc_records
):
    (whole,) = scoring_batches(images=disc_photos, size=32, batch_size=10)
    pushed = record_pushes(monkeypatch)
    run_round(tmp_path / "w", mirror=True, batch_size=10)
    network = started_model(tiny_config, "rbd/round1")
    images = np.stack([image for _, image, _ in pushed[:10]])
    assert np.array_equal(images, whole["image"].numpy()[[index for index, _, _ in pushed[:10]]])

    def differences(mirrored):
        """How far a prediction is from the network's on such a batch, turned back."""
        seen = np.where(mirrored[:, None, None, None] == 1, images[:, :, ::-1], images)
        output = network(seen, training=True).numpy()[..., 0]
        output = np.where(mirrored[:, None, None] == 1, output[:, :, ::-1], output)
        return np.abs(output - [probability for _, _, probability in pushed[:10]]).max()

    ((inputs, _),) = training_batches(
        images=disc_photos,
        labels=[open_labels(f"{disc_records}/train/labels/rbd/round0", disc_photos)],
        size=32,
        batch_size=10,
        seed=0,
        first_epoch=0,
        epochs=1,
        changes=PhotoChanges(mirror=True),
    )
    mirrored = inputs["mirrored"].numpy()
    assert inputs["index"].numpy().tolist() == [index for index, _, _ in pushed[:10]]
    assert 0 < mirrored.sum() < 10
    assert differences(mirrored) < 1e-5 < 1e-3 < differences(np.zeros(10))


def test_infinite_prediction_stops_and_names_the_photos(tmp_path, run_round, monkeypatch):
    def broken(**options):
        network = tiny_model(**options)
        network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
        return network

    monkeypatch.setattr("deepusps_tf.training.start.build_model", broken)
    with pytest.raises(InputError, match=r"not finite at photos photo\d+"):
        run_round(tmp_path / "w")
    with pytest.raises(InputError, match=r"not finite at photos photo\d+"):
        run_round(tmp_path / "fusion", makes=None)
