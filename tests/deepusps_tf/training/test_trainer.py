import dataclasses
from pathlib import Path

import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.records.format import open_labels, open_set
from deepusps_tf.data.batches import DUPLICATE, scoring_batches, training_batches
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.labels.crf import RELEASE_SETTINGS, refine
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.labels.moving_average import MovingAverage
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.runs.round_result import load_fusion, read_result
from deepusps_tf.settings.parts import BACKBONES
from deepusps_tf.training.hand_over import HandOver
from deepusps_tf.training.rounds import Round
from deepusps_tf.training.trainer import Trainer
from tests.deepusps_tf.conftest import (
    label_maps,
    stop_after_an_epoch,
    tiny_model,
    write_disc_records,
)

pytestmark = pytest.mark.usefixtures("tiny_network")

SPEC = Round(
    name="rbd/round1",
    number=0,
    threshold=0.3,
    learning_rate=1e-2,
    epochs=2,
)


@pytest.fixture
def run_round(tiny_config, disc_photos):
    """Runs `SPEC` in a workdir of its own; options change the config, the spec or the call."""

    def run(
        workdir: Path,
        *,
        devices="cpu:1",
        pool=None,
        images=disc_photos,
        spec=SPEC,
        collect=True,
        **changes,
    ):
        config = dataclasses.replace(tiny_config, workdir=str(workdir), **changes)
        labels = [open_labels(f"{config.records}/train/labels/rbd/round0", disc_photos)]
        trainer = Trainer(config, make_strategy(devices), images, beta_squared=1.0, collect=collect)
        return trainer.train(spec, labels, pool)

    return run


def weights_of(result) -> list[np.ndarray]:
    network = tiny_model(backbone="", size=32)
    network.load_weights(result.weights)
    return network.get_weights()


def record_pushes(monkeypatch) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Keeps (index, rgb, probability) of everything handed over."""
    pushed = []
    push = HandOver.push

    def keep(self, index, image, probability):
        rows = zip(index.numpy(), image.numpy(), probability.numpy()[..., 0], strict=True)
        pushed.extend(rows)
        push(self, index, image, probability)

    monkeypatch.setattr(HandOver, "push", keep)
    return pushed


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


def test_handed_over_prediction_is_made_before_the_update(tmp_path, run_round, monkeypatch):
    pushed = record_pushes(monkeypatch)
    config_seed_network = tiny_model(backbone="", size=32, seed=0)
    run_round(tmp_path / "w")
    first = [(image, probability) for _, image, probability in pushed[:4]]
    images = np.stack([image for image, _ in first])
    expected = config_seed_network(images, training=True).numpy()[..., 0]
    assert np.abs(np.stack([probability for _, probability in first]) - expected).max() < 1e-5


def test_mirrored_photos_are_handed_over_as_they_were(
    tmp_path, run_round, monkeypatch, disc_photos, disc_records
):
    (whole,) = scoring_batches(images=disc_photos, size=32, batch_size=10)
    pushed = record_pushes(monkeypatch)
    run_round(tmp_path / "w", mirror=True, batch_size=10)
    network = tiny_model(backbone="", size=32, seed=0)
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
        mirror=True,
    )
    mirrored = inputs["mirrored"].numpy()
    assert inputs["index"].numpy().tolist() == [index for index, _, _ in pushed[:10]]
    assert 0 < mirrored.sum() < 10
    assert differences(mirrored) < 1e-5 < 1e-3 < differences(np.zeros(10))


def keep_averages(monkeypatch) -> dict[tuple[Path, int], np.ndarray]:
    """Keeps the averages of (folder, photo) as they are before they are rounded to be stored."""
    kept = {}
    update = MovingAverage.update

    def keep(self, index, refined):
        key = (self.path(0).parent, int(index))
        kept[key] = 0.3 * refined.astype(np.float64) + 0.7 * kept.get(key, 0.0)
        update(self, index, refined)

    monkeypatch.setattr(MovingAverage, "update", keep)
    return kept


def test_four_devices_end_in_the_weights_and_labels_of_one(
    tmp_path, run_round, disc_photos, monkeypatch
):
    averages = keep_averages(monkeypatch)
    one = run_round(tmp_path / "one", devices="cpu:1")
    four = run_round(tmp_path / "four", devices="cpu:4")
    assert len(averages) == 2 * 10
    for photo in range(10):
        alone, mirrored = (
            averages[tmp_path / name / "rbd/round1/checkpoints", photo] for name in ("one", "four")
        )
        assert np.abs(alone - mirrored).max() < 1e-4
    for alone, mirrored in zip(weights_of(one), weights_of(four), strict=True):
        assert np.abs(alone - mirrored).max() < 1e-4
    assert one.losses == pytest.approx(four.losses, abs=1e-4)
    difference = label_maps(one.folder) - label_maps(four.folder)
    assert np.abs(difference).max() <= 1


def test_labels_tell_how_far_they_moved(tmp_path, run_round, disc_photos):
    result = run_round(tmp_path / "w")
    before = open_labels(f"{tmp_path}/records/train/labels/rbd/round0", disc_photos)
    maps = [
        next(iter(scoring_batches(images=disc_photos, labels=[part], size=32, batch_size=10)))
        for part in (before, result.labels)
    ]
    expected = np.abs(maps[0]["labels"] - maps[1]["labels"]).mean()
    assert result.change == pytest.approx(expected, abs=1e-6) and result.change > 0.01
    assert read_result(result.folder, disc_photos) == result


def test_collapsed_labels_warn_with_their_numbers(tmp_path, run_round, monkeypatch, caplog):
    def blind(**options):
        network = tiny_model(**options)
        weights = network.get_weights()
        weights[-1] = np.full_like(weights[-1], -1e3)  # the last bias: background everywhere
        network.set_weights(weights)
        return network

    monkeypatch.setattr("deepusps_tf.training.start.build_model", blind)
    run_round(tmp_path / "w")
    assert "THE LABELS COLLAPSED: of 10, 10 are all background and 0 all foreground" in caplog.text


def test_useful_labels_do_not_warn(tmp_path, run_round, caplog):
    spec = dataclasses.replace(SPEC, epochs=8)
    run_round(tmp_path / "w", spec=spec, collapse_warning=0.3)
    assert "COLLAPSED" not in caplog.text


def test_repeated_run_is_identical(tmp_path, run_round):
    first, second = run_round(tmp_path / "first"), run_round(tmp_path / "second")
    for a, b in zip(weights_of(first), weights_of(second), strict=True):
        assert np.array_equal(a, b)


def test_truth_masks_do_not_reach_training(tmp_path, run_round, disc_records):
    with_masks = run_round(tmp_path / "with")
    write_disc_records(tmp_path / "bare", count=10, methods=(), masks=False)
    bare = open_set(f"{tmp_path}/bare/images")
    without = run_round(tmp_path / "without", images=bare)
    for a, b in zip(weights_of(with_masks), weights_of(without), strict=True):
        assert a.tobytes() == b.tobytes()


def test_interrupted_round_ends_like_one_that_was_not(
    tmp_path, run_round, disc_photos, monkeypatch
):
    whole = run_round(tmp_path / "whole")
    stop_after_an_epoch(monkeypatch, lambda: run_round(tmp_path / "stopped"))
    resumed = run_round(tmp_path / "stopped")
    assert resumed.losses == whole.losses
    for a, b in zip(weights_of(whole), weights_of(resumed), strict=True):
        assert a.tobytes() == b.tobytes()
    assert np.array_equal(label_maps(whole.folder), label_maps(resumed.folder))


def test_second_round_starts_where_the_first_did(tmp_path, tiny_config, disc_photos):
    labels = [open_labels(f"{tiny_config.records}/train/labels/rbd/round0", disc_photos)]
    trainer = Trainer(
        tiny_config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, collect=True
    )
    trainer.train(dataclasses.replace(SPEC, name="mc/round1", threshold=0.6), labels, None)
    second = trainer.train(SPEC, labels, None)
    config = dataclasses.replace(tiny_config, workdir=str(tmp_path / "alone"))
    fresh = Trainer(config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, collect=True)
    alone = fresh.train(SPEC, labels, None)
    assert second.losses == alone.losses
    for a, b in zip(weights_of(second), weights_of(alone), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.slow
def test_frozen_blocks_keep_weights_and_statistics(tmp_path, tiny_config, disc_photos, monkeypatch):
    monkeypatch.setattr("deepusps_tf.training.start.build_model", build_model)
    config = dataclasses.replace(tiny_config, backbone="efficientnet_lite0", frozen_blocks=2)
    labels = [open_labels(f"{config.records}/train/labels/rbd/round0", disc_photos)]
    trainer = Trainer(config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, collect=False)
    result = trainer.train(dataclasses.replace(SPEC, epochs=1), labels, None)
    before = build_model(backbone="efficientnet_lite0", size=32, pretrained="default")
    after = build_model(backbone="efficientnet_lite0", size=32)
    after.load_weights(result.weights)
    block_number = BACKBONES.find("efficientnet_lite0").block_number
    same = {
        layer.name: all(
            np.array_equal(*pair)
            for pair in zip(
                layer.get_weights(), after.get_layer(layer.name).get_weights(), strict=True
            )
        )
        for layer in before.layers
        if block_number(layer.name) is not None
    }
    assert same["conv_stem"] and same["bn0"] and len(same) > 40
    for name, unchanged in same.items():
        assert unchanged == (block_number(name) < 2), name


def two_methods_maps(config, photos):
    """The label versions that a fusion of both methods learns from."""
    return [
        open_labels(f"{config.records}/train/labels/{method}/round0", photos)
        for method in ("rbd", "mc")
    ]


def test_fusion_learns_from_several_label_sets_and_writes_none(tmp_path, tiny_config, disc_photos):
    labels = two_methods_maps(tiny_config, disc_photos)
    spec = dataclasses.replace(SPEC, name="fusion", epochs=8)
    trainer = Trainer(
        tiny_config, make_strategy("cpu:1"), disc_photos, beta_squared=4.0, collect=False
    )
    result = trainer.train(spec, labels, None)
    assert result.labels is None and result.losses[-1] < result.losses[0]
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "network.weights.h5",
        "round.json",
    ]


def test_labels_made_of_several_tell_their_mean_distance(tmp_path, tiny_config, disc_photos):
    labels = two_methods_maps(tiny_config, disc_photos)
    trainer = Trainer(
        tiny_config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, collect=True
    )
    result = trainer.train(SPEC, labels, None)
    every = [*labels, result.labels]
    (batch,) = scoring_batches(images=disc_photos, labels=every, size=32, batch_size=10)
    maps = batch["labels"].numpy()
    expected = np.abs(maps[..., :2] - maps[..., 2:]).mean()
    assert result.change == pytest.approx(expected, abs=1e-6) and result.change > 0.01


def test_infinite_prediction_stops_and_names_the_photos(tmp_path, run_round, monkeypatch):
    def broken(**options):
        network = tiny_model(**options)
        network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
        return network

    monkeypatch.setattr("deepusps_tf.training.start.build_model", broken)
    with pytest.raises(InputError, match=r"not finite at photos photo\d+"):
        run_round(tmp_path / "w")
    with pytest.raises(InputError, match=r"not finite at photos photo\d+"):
        run_round(tmp_path / "fusion", collect=False)


def test_damaged_commit_is_named(tmp_path, run_round):
    commit = tmp_path / "w/rbd/round1/checkpoints/epoch-0001"
    commit.mkdir(parents=True)
    (commit / "state.json").write_text('{"epochs": 1, "losses": [0.5]}')
    (commit / "model.weights.h5").write_bytes(b"not weights")
    message = "epoch-0001.model.weights.h5: cannot be loaded .* delete its round"
    with pytest.raises(InputError, match=message):
        run_round(tmp_path / "w")


def test_unfinished_run_has_no_fused_network(tiny_config):
    with pytest.raises(InputError, match="holds no finished run"):
        load_fusion(tiny_config)
