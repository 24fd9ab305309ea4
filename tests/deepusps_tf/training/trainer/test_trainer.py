import dataclasses

import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.records.format import open_labels, open_set
from deepusps_tf.data.batches import DUPLICATE, scoring_batches
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.runs.round_result import load_fusion, read_result
from deepusps_tf.settings.parts import BACKBONES
from deepusps_tf.training import trainer as trainer_module
from deepusps_tf.training.trainer import Trainer
from tests.deepusps_tf.conftest import (
    label_maps,
    stop_after_an_epoch,
    tiny_model,
    write_disc_records,
)
from tests.deepusps_tf.networks.shallow import LITE
from tests.deepusps_tf.training.trainer.conftest import (
    SPEC,
    keep_averages,
    record_pushes,
    two_methods_maps,
    weights_of,
)

pytestmark = pytest.mark.usefixtures("tiny_network")


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


def test_a_shard_damaged_while_it_trains_is_named(
    tmp_path, run_round, disc_records, disc_photos, monkeypatch
):
    shard = disc_records / "train/labels/rbd/round0-00000-of-00001.tfrecord"
    fit = Trainer._fit

    def damage_then_fit(*arguments):
        data = bytearray(shard.read_bytes())
        data[len(data) // 2] ^= 255
        shard.write_bytes(data)
        fit(*arguments)

    monkeypatch.setattr(Trainer, "_fit", damage_then_fit)
    with pytest.raises(InputError, match=f"^{shard}: damaged shard; delete it and prepare it"):
        run_round(tmp_path / "w")


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


@pytest.mark.parametrize(
    "makes, changed", [("averages", False), ("predictions", True), (None, True)]
)
def test_photos_are_changed_unless_their_predictions_are_averaged(
    tmp_path, run_round, makes, changed
):
    plain = run_round(tmp_path / "plain", makes=makes)
    other = run_round(tmp_path / "other", makes=makes, fusion_crops=0.9, fusion_colours=0.2)
    assert (other.losses != plain.losses) == changed


def test_predicted_labels_are_those_of_the_network_at_its_end(tmp_path, run_round, disc_photos):
    settings = {"makes": "predictions", "weight_average": 0.9}
    whole = run_round(tmp_path / "whole", **settings)
    network = tiny_model(backbone="", size=32)
    network.load_weights(whole.weights)
    (batch,) = scoring_batches(images=disc_photos, size=32, batch_size=10)
    photos = batch["image"].numpy()
    seen, mirrored = (network.predict(photos[:, :, ::step], verbose=0) for step in (1, -1))
    expected = (seen + mirrored[:, :, ::-1])[..., 0] / 2 * 255
    assert np.abs(label_maps(whole.folder) - expected).max() < 0.51


def test_predicted_labels_of_a_resumed_round_are_those_of_one_that_was_not(
    tmp_path, run_round, monkeypatch
):
    settings = {"makes": "predictions", "fusion_crops": 0.5, "weight_average": 0.9}
    whole = run_round(tmp_path / "whole", **settings)
    with monkeypatch.context() as stopped:
        stopped.setattr(trainer_module, "predicted_labels", _stop)
        with pytest.raises(KeyboardInterrupt):
            run_round(tmp_path / "stopped", **settings)
    resumed = run_round(tmp_path / "stopped", **settings)
    assert np.array_equal(label_maps(whole.folder), label_maps(resumed.folder))


def _stop(**_):
    raise KeyboardInterrupt


def test_an_averaged_network_is_not_the_last_steps_and_its_labels_are_the_same(tmp_path, run_round):
    last, averaged = run_round(tmp_path / "w"), run_round(tmp_path / "a", weight_average=0.9)
    assert last.losses == averaged.losses
    assert np.array_equal(label_maps(last.folder), label_maps(averaged.folder))
    moved = [
        np.abs(a - b).max() for a, b in zip(weights_of(last), weights_of(averaged), strict=True)
    ]
    assert max(moved) > 1e-3


def test_averaged_weights_of_four_devices_are_those_of_one(tmp_path, run_round):
    ends = [
        run_round(tmp_path / devices, devices=devices, weight_average=0.9, makes=None)
        for devices in ("cpu:1", "cpu:4")
    ]
    for alone, mirrored in zip(*map(weights_of, ends), strict=True):
        assert np.abs(alone - mirrored).max() < 1e-4


@pytest.mark.parametrize("committed", [1, 2])
def test_an_averaged_round_that_was_stopped_ends_like_one_that_was_not(
    tmp_path, run_round, monkeypatch, committed
):
    whole = run_round(tmp_path / "whole", weight_average=0.9)
    for _ in range(committed):
        stop_after_an_epoch(
            monkeypatch, lambda: run_round(tmp_path / "stopped", weight_average=0.9)
        )
    resumed = run_round(tmp_path / "stopped", weight_average=0.9)
    for a, b in zip(weights_of(whole), weights_of(resumed), strict=True):
        assert a.tobytes() == b.tobytes()


def test_second_round_starts_where_the_first_did(tmp_path, tiny_config, disc_photos):
    labels = [open_labels(f"{tiny_config.records}/train/labels/rbd/round0", disc_photos)]
    trainer = Trainer(
        tiny_config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, makes="averages"
    )
    trainer.train(dataclasses.replace(SPEC, name="mc/round1", threshold=0.6), labels, None)
    second = trainer.train(SPEC, labels, None)
    config = dataclasses.replace(tiny_config, workdir=str(tmp_path / "alone"))
    fresh = Trainer(config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, makes="averages")
    alone = fresh.train(SPEC, labels, None)
    assert second.losses == alone.losses
    for a, b in zip(weights_of(second), weights_of(alone), strict=True):
        assert a.tobytes() == b.tobytes()


def test_rounds_start_from_weights_of_their_own(tmp_path, run_round, monkeypatch):
    pushed = record_pushes(monkeypatch)
    still = dataclasses.replace(SPEC, learning_rate=0.0, epochs=1)
    for name in ("rbd/round1", "mc/round1", "rbd/round2", "rbd/round1"):
        run_round(tmp_path / f"w{len(pushed)}", spec=dataclasses.replace(still, name=name))
    first, other, second, again = (
        np.stack([maps for index, _, maps in pushed[start : start + 12] if index != DUPLICATE])
        for start in range(0, 48, 12)
    )
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01 < np.abs(first - second).mean()


@pytest.mark.slow
def test_frozen_blocks_keep_weights_and_statistics(tmp_path, tiny_config, disc_photos, monkeypatch):
    monkeypatch.setattr("deepusps_tf.training.start.build_model", build_model)
    before, weights = build_model(backbone=LITE, size=32, seed=5), tmp_path / "start.weights.h5"
    before.save_weights(weights)
    config = dataclasses.replace(
        tiny_config, backbone=LITE, pretrained=str(weights), frozen_blocks=2
    )
    labels = [open_labels(f"{config.records}/train/labels/rbd/round0", disc_photos)]
    trainer = Trainer(config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, makes=None)
    result = trainer.train(dataclasses.replace(SPEC, epochs=1), labels, None)
    after = build_model(backbone=LITE, size=32)
    after.load_weights(result.weights)
    block_number = BACKBONES.find(LITE).block_number
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


def test_fusion_learns_from_several_label_sets_and_writes_none(tmp_path, tiny_config, disc_photos):
    labels = two_methods_maps(tiny_config, disc_photos)
    spec = dataclasses.replace(SPEC, name="fusion", epochs=8)
    trainer = Trainer(
        tiny_config, make_strategy("cpu:1"), disc_photos, beta_squared=4.0, makes=None
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
        tiny_config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, makes="averages"
    )
    result = trainer.train(SPEC, labels, None)
    every = [*labels, result.labels]
    (batch,) = scoring_batches(images=disc_photos, labels=every, size=32, batch_size=10)
    maps = batch["labels"].numpy()
    expected = np.abs(maps[..., :2] - maps[..., 2:]).mean()
    assert result.change == pytest.approx(expected, abs=1e-6) and result.change > 0.01


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
