import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.records.format import open_set
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.fusion.registry import fusion_task
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.training.label_rounds import Schedule, run_rounds
from tests.deepusps_tf.conftest import stop_after_an_epoch, tiny_model, write_disc_records

pytestmark = pytest.mark.usefixtures("tiny_network")


def fuse(config, versions=(), **changes) -> list[np.ndarray]:
    """Trains a fusion network on handcrafted maps in place of refined ones; its weights.

    Learns from the maps of all methods, or of those that `versions` names.
    """
    config = dataclasses.replace(config, crf=False, **changes)
    photos = open_photos(config.records)
    maps = [photos.handcrafted("train", method) for method in versions or config.methods]
    Schedule(config, photos, make_strategy(config.devices), None).fuse(maps)
    network = tiny_model(backbone="", size=config.size)
    network.load_weights(Path(config.workdir) / "fusion/network.weights.h5")
    return network.get_weights()


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def test_mean_loss_takes_all_labels_cut_in_the_middle(tiny_config):
    photos = open_photos(tiny_config.records)
    maps = [photos.handcrafted("train", method) for method in ("rbd", "mc")]
    task = fusion_task(tiny_config, photos, maps)
    assert (task.labels, task.threshold) == (tuple(maps), 0.5)
    assert task.written is None and task.noise is None


def test_trimmed_loss_takes_all_labels_too(tiny_config):
    config = dataclasses.replace(tiny_config, fusion="trimmed_loss")
    photos = open_photos(config.records)
    maps = [photos.handcrafted("train", method) for method in ("rbd", "mc")]
    task, plain = (fusion_task(part, photos, maps) for part in (config, tiny_config))
    assert task == dataclasses.replace(plain, trimmed=True)


def test_trimming_changes_what_three_versions_teach_and_not_two(tiny_config, tmp_path):
    weights = {}
    for versions in (("rbd", "mc"), ("rbd", "mc", "rbd")):
        for fusion in ("mean_loss", "trimmed_loss"):
            workdir = str(tmp_path / f"{fusion}{len(versions)}")
            trained = fuse(tiny_config, versions, fusion=fusion, workdir=workdir)
            weights[fusion, len(versions)] = trained
    assert same(weights["trimmed_loss", 2], weights["mean_loss", 2])
    assert not same(weights["trimmed_loss", 3], weights["mean_loss", 3])


def test_direct_cuts_each_method_at_its_own_mean(tiny_config):
    config = dataclasses.replace(tiny_config, fusion="direct")
    photos = open_photos(config.records)
    maps = [photos.handcrafted("train", method) for method in ("rbd", "mc")]
    task = fusion_task(config, photos, maps)
    means = [part.manifest.mean_saliency for part in maps]
    assert task.threshold == (1.5 * means[0], 1.5 * means[1]) and means[0] != means[1]


@pytest.mark.slow
def test_direct_runs_without_rounds(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, fusion="direct")
    rows = run_rounds(config, make_strategy("cpu:1"))
    assert [
        (row.subject.method, row.subject.stage, row.output, row.subject.split) for row in rows
    ] == [
        ("rbd", 0, "map", "train"),
        ("rbd", 0, "map", "test"),
        ("mc", 0, "map", "train"),
        ("mc", 0, "map", "test"),
        ("fusion", 1, "prediction", "train"),
        ("fusion", 1, "prediction", "test"),
        ("fusion", 1, "prediction + CRF", "test"),
    ]
    assert collect_rows(config) == rows
    assert not (tmp_path / "run/rbd/round1").exists()


@pytest.mark.slow
def test_stopped_noise_model_ends_like_one_that_was_not(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="noise_model")
    whole = fuse(config, workdir=str(tmp_path / "whole"))
    stopped = dataclasses.replace(config, workdir=str(tmp_path / "stopped"))
    stop_after_an_epoch(monkeypatch, lambda: fuse(stopped))
    assert same(fuse(stopped), whole)


def test_noise_is_committed_with_the_weights(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="noise_model")
    stop_after_an_epoch(monkeypatch, lambda: fuse(config))
    path = tmp_path / "run/fusion/checkpoints/epoch-0001/model.weights.h5"
    with h5py.File(path) as file:
        variance = file["layers/label_noise/vars/0"][:]
    assert variance.shape == (10, 2)
    assert len(np.unique(variance)) > 10 and 0.01 <= variance.min() < variance.max() < 1


@pytest.mark.slow
def test_noise_of_four_devices_is_that_of_one(tiny_config, tmp_path):
    one = fuse(tiny_config, fusion="noise_model", workdir=str(tmp_path / "one"))
    four = fuse(tiny_config, fusion="noise_model", workdir=str(tmp_path / "four"), devices="cpu:4")
    for alone, mirrored in zip(one, four, strict=True):
        assert np.abs(alone - mirrored).max() < 1e-4


@pytest.mark.slow
def test_fused_labels_are_written_once_and_scored(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="weighted")
    photos = open_photos(config.records)
    maps = [photos.handcrafted("train", method) for method in config.methods]
    task = fusion_task(config, photos, maps)
    assert task.labels == (task.written,) and task.threshold == 0.5
    assert task.written.stem == str(tmp_path / "run/fusion/labels")
    assert task.written.ids == photos.train.ids
    monkeypatch.setattr("deepusps_tf.fusion.registry.MAKERS", {"weighted": lambda *_: 1 / 0})
    assert fusion_task(config, photos, maps) == task
    fuse(config)
    rows = [(row.name, row.subject.split) for row in collect_rows(config)]
    assert rows == [
        ("fusion labels", "train"),
        ("fusion prediction", "train"),
        ("fusion prediction", "test"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("fusion", ["weighted", "assessment"])
def test_truth_masks_do_not_reach_fused_labels(tiny_config, tmp_path, fusion):
    shards = []
    for name, masks in (("with", True), ("without", False)):
        records = tmp_path / name
        write_disc_records(records / "train", count=6, masks=masks)
        photos = open_photos(str(records))
        assert photos.train.manifest.has_masks == masks
        config = dataclasses.replace(
            tiny_config,
            records=str(records),
            workdir=f"{records}/run",
            fusion=fusion,
            assessment_epochs=1,
        )
        maps = [photos.handcrafted("train", method) for method in config.methods]
        (shard,) = fusion_task(config, photos, maps).written.shards
        shards.append(Path(shard).read_bytes())
    assert shards[0] == shards[1]


def test_stopped_writing_of_fused_labels_starts_again(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="weighted")
    photos = open_photos(config.records)
    maps = [photos.handcrafted("train", method) for method in config.methods]
    whole = fusion_task(config, photos, maps).written
    config = dataclasses.replace(config, workdir=str(tmp_path / "stopped"))
    with monkeypatch.context() as patch:
        made = iter([np.zeros((32, 32), np.float32)] * 3)
        patch.setattr("deepusps_tf.fusion.registry.weighted_average", lambda *_: next(made))
        with pytest.raises(RuntimeError, match="StopIteration"):
            fusion_task(config, photos, maps)
    again = fusion_task(config, photos, maps).written
    for one, other in zip(whole.shards, again.shards, strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()


@pytest.mark.slow
def test_refined_labels_of_another_run_are_taken(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, methods=("rbd",), crf=False)
    photos, strategy = open_photos(config.records), make_strategy("cpu:1")
    own = Schedule(config, photos, strategy, None).label("rbd")
    assert own.stem == str(tmp_path / "run/rbd/round2/labels")
    for rounds in (2, 1):
        changes = {"workdir": str(tmp_path / "other"), "refined": config.workdir}
        taker = dataclasses.replace(config, rounds=rounds, **changes)
        taken = Schedule(taker, photos, strategy, None).label("rbd")
        assert taken == open_set(str(tmp_path / f"run/rbd/round{rounds}/labels"))
    assert not (tmp_path / "other/rbd/round1").exists()
    taker = dataclasses.replace(config, rounds=3, learning_rates=(1e-2,) * 3, **changes)
    with pytest.raises(InputError, match="rbd/round3: holds no finished round"):
        Schedule(taker, photos, strategy, None).label("rbd")
    taker = dataclasses.replace(taker, until_stable=0.9)  # round 2 moved its labels by less
    taken = Schedule(taker, photos, strategy, None).label("rbd")
    assert taken == open_set(str(tmp_path / "run/rbd/round2/labels"))


def test_unfinished_refinement_of_another_run_is_refused(tiny_config):
    config = dataclasses.replace(tiny_config, refined="elsewhere")
    with pytest.raises(InputError, match="elsewhere/rbd/round2: holds no finished round"):
        run_rounds(config, make_strategy("cpu:1"))
