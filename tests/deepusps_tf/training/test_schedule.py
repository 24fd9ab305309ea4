import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

from data_prep.base.errors import InputError
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.evaluation.evaluate import evaluate_run
from deepusps_tf.labels.crf_pool import start_crf
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.reporting.photo_errors import judge_photos
from deepusps_tf.reporting.report import write_report
from deepusps_tf.runs.chosen import run_photos
from deepusps_tf.runs.round_result import load_fusion, read_result
from deepusps_tf.runs.workdir import save_settings
from deepusps_tf.scoring.scores import score_network
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.settings.config import Config
from deepusps_tf.training.schedule import run_rounds
from deepusps_tf.training.trainer import Trainer
from tests.deepusps_tf.conftest import forbid_training, label_maps, write_disc_records
from tests.deepusps_tf.labels.test_crf_pool import count_lattices

pytestmark = pytest.mark.usefixtures("tiny_network")


def short(config, *, rounds=1, **changes):
    """One method without CRF."""
    rates = (1e-2,) * rounds
    return dataclasses.replace(
        config, methods=("rbd",), crf=False, rounds=rounds, learning_rates=rates, **changes
    )


def evaluated(config):
    """The figures of a finished run, scored once more."""
    save_settings(config)
    run = Config(mode="evaluate", workdir=config.workdir)
    return [card.scores for card in evaluate_run(run)]


@pytest.mark.slow
def test_whole_schedule(tiny_config, tmp_path, monkeypatch):
    rows = run_rounds(tiny_config, make_strategy("cpu:1"))
    names = [(row.name, row.subject.split) for row in rows]
    per_method = [
        ("{} handcrafted map", "train"),
        ("{} handcrafted map", "test"),
        ("{} round 1 labels", "train"),
        ("{} round 1 prediction", "train"),
        ("{} round 1 prediction", "test"),
        ("{} round 1 prediction + CRF", "test"),
        ("{} round 2 labels", "train"),
        ("{} round 2 prediction", "train"),
        ("{} round 2 prediction", "test"),
        ("{} round 2 prediction + CRF", "test"),
    ]
    expected = [(name.format(m), split) for m in ("rbd", "mc") for name, split in per_method]
    expected += [
        ("fusion prediction", "train"),
        ("fusion prediction", "test"),
        ("fusion prediction + CRF", "test"),
    ]
    assert names == expected
    assert [row.scores.count for row in rows] == [
        {"train": 10, "test": 4}[split] for _, split in expected
    ]
    assert rows[-3].scores == _trained_scores(tiny_config)
    assert collect_rows(tiny_config) == rows
    _check_judged_photos(tiny_config, rows)
    _check_report(tiny_config, rows)
    _check_tensorboard(tmp_path / "run/logs")
    assert evaluated(tiny_config) == [row.scores for row in rows[-2:]]
    forbid_training(monkeypatch)
    assert run_rounds(tiny_config, make_strategy("cpu:1")) == rows  # nothing is trained twice


def _trained_scores(config):
    """What the fused network makes of the training photos."""
    images = open_photos(config.records).train
    network = inference_twin(load_fusion(config))
    sizes = {"size": config.size, "batch_size": config.batch_size}
    return score_network(network=network, images=images, pool=None, **sizes)["prediction"]


def _check_judged_photos(config, rows):
    """Photo by photo, errors are those whose mean the stage table has."""
    photos = open_photos(config.records)
    with start_crf(config, one_pass=True) as pool:
        judged = list(judge_photos(config, photos, pool, config.methods))
    assert tuple(photo.id for photo in judged) == photos.test.ids
    assert np.mean([photo.error for photo in judged]) == pytest.approx(
        rows[-1].scores.mae, abs=1e-6
    )
    (row,) = (
        row for row in rows if (row.name, row.subject.split) == ("mc handcrafted map", "test")
    )
    errors = [np.abs(photo.maps["mc"] - photo.mask).mean() for photo in judged]
    assert np.mean(errors) == pytest.approx(row.scores.mae, abs=1e-6)


def _check_report(config, rows):
    page = write_report(config, rows).read_text()
    judged, labels, sheet, disputed, charts = 2 * 4 * 6, 8 * (1 + 2 * 3), 4 * 3, 6 * 4, 4
    assert page.count("<img ") == judged + labels + sheet + disputed + charts
    assert page.count("data:image/svg+xml") == charts
    assert "<h1>run</h1>" in page
    save_settings(config)
    named = dataclasses.replace(config, compare=config.workdir, experiment="No CRF")
    compared = write_report(named, rows).read_text()
    assert compared.count("data:image/svg+xml") == charts + 1
    assert "<h1>No CRF</h1>" in compared
    nowhere = dataclasses.replace(config, compare=f"{config.workdir}/nowhere")
    with pytest.raises(InputError, match="nowhere: holds no run"):
        write_report(nowhere, rows)
    assert "http" not in page.replace("<!doctype html>", "")
    folder = Path(config.workdir) / "report"
    table = list(csv.DictReader((folder / "stages.csv").read_text().splitlines()))
    assert [line["output"] for line in table] == [row.output for row in rows]
    assert float(table[0]["MAE"]) == pytest.approx(100 * rows[0].scores.mae, abs=0.005)
    assert len(json.loads((folder / "stages.json").read_text())) == len(rows)


def _check_tensorboard(logs):
    events = EventAccumulator(str(logs / "rbd/round1")).Reload()
    assert {"loss", "learning_rate", "photos_per_second", "crf_pending"} <= set(
        events.Tags()["tensors"]
    )
    for name in ("rbd/round1", "fusion"):
        shown = EventAccumulator(str(logs / name)).Reload().Tensors("photo, prediction in training")
        assert [event.step for event in shown] == [1, 2]
        (width, height, *pictures) = shown[0].tensor_proto.string_val
        assert (width, height, len(pictures)) == (b"64", b"32", 4)
    stages = EventAccumulator(str(logs / "rbd/stages")).Reload()
    assert "test/prediction + CRF/f_fixed" in stages.Tags()["tensors"]
    assert [event.step for event in stages.Tensors("train/prediction/f_fixed")] == [1, 2]
    assert any(tag.startswith("photo, 2 labels, prediction") for tag in stages.Tags()["tensors"])
    fused = EventAccumulator(str(logs / "fusion/stages")).Reload()
    assert "test/prediction + CRF/f_fixed" in fused.Tags()["tensors"]
    start = fused.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    settings = parse_session_start_info_plugin_data(start).hparams
    assert settings["rounds"].number_value == 2 and settings["methods"].string_value


@pytest.mark.slow
def test_runs_without_any_mask(tiny_config, tmp_path):
    write_disc_records(tmp_path / "bare/train", count=6, methods=("rbd",), masks=False)
    config = short(tiny_config, records=str(tmp_path / "bare"))
    rows = run_rounds(config, make_strategy("cpu:1"))
    assert rows == []
    assert (tmp_path / "run/fusion/network.weights.h5").is_file()
    assert write_report(config, rows).is_file()
    with pytest.raises(InputError, match="no photos with masks to score on"):
        evaluated(config)


@pytest.mark.slow
def test_few_photos_have_more_epochs(tiny_config, tmp_path):
    # Ten photos in batches of four: three steps an epoch. Without masks nothing is scored.
    write_disc_records(tmp_path / "bare/train", count=10, methods=("rbd",), masks=False)
    changes = {"min_steps": 10, "fusion_epochs": 1, "fusion_min_steps": 9}
    config = short(tiny_config, records=str(tmp_path / "bare"), **changes)
    run_rounds(config, make_strategy("cpu:1"))
    photos = open_photos(config.records)
    results = [
        read_result(tmp_path / "run" / name, photos.train) for name in ("rbd/round1", "fusion")
    ]
    assert [len(result.losses) for result in results] == [4, 3]


@pytest.mark.slow
def test_joint_rounds_learn_all_methods_labels_and_then_their_own(
    tiny_config, tmp_path, monkeypatch
):
    learned = []
    train = Trainer.train

    def watched(trainer, spec, labels, pool):
        names = [str(Path(part.stem).relative_to(tmp_path)) for part in labels]
        learned.append((spec.name, spec.number, spec.epochs, names))
        return train(trainer, spec, labels, pool)

    monkeypatch.setattr(Trainer, "train", watched)
    config = dataclasses.replace(tiny_config, rounds=1, epochs=1, joint_rounds=2, crf=False)
    rows = run_rounds(config, make_strategy("cpu:1"))
    assert learned[2:] == [
        ("joint/round1", 2, 2, ["run/rbd/round1/labels", "run/mc/round1/labels"]),
        ("joint/round2", 3, 2, ["run/joint/round1/labels"]),
        ("fusion", 4, 2, ["run/joint/round2/labels"]),
    ]
    assert [(row.name, row.subject.split) for row in rows[-8:]] == [
        ("joint round 1 labels", "train"),
        ("joint round 1 prediction", "train"),
        ("joint round 1 prediction", "test"),
        ("joint round 2 labels", "train"),
        ("joint round 2 prediction", "train"),
        ("joint round 2 prediction", "test"),
        ("fusion prediction", "train"),
        ("fusion prediction", "test"),
    ]
    assert collect_rows(config) == rows
    page = write_report(config, rows).read_text()
    assert page.count('alt="joint 1 of') == page.count('alt="joint 2 of') == 8
    forbid_training(monkeypatch)
    assert run_rounds(config, make_strategy("cpu:1")) == rows


@pytest.mark.slow
def test_rounds_see_smaller_photos_with_another_network_than_the_fused_one(
    tiny_config, tmp_path, monkeypatch
):
    kept, networks = {}, {}
    train = Trainer.train

    def watched(trainer, spec, labels, pool):
        result = train(trainer, spec, labels, pool)
        kept[spec.name] = pool.in_each_process(count_lattices)
        networks[spec.name] = trainer._config.backbone
        return result

    monkeypatch.setattr(Trainer, "train", watched)
    changes = {"rounds": 1, "epochs": 1, "joint_rounds": 1, "round_size": 16}
    changes |= {"round_backbone": "resnet101", "round_frozen_blocks": 0}
    # Room for the 14 photos of one size.
    config = dataclasses.replace(tiny_config, methods=("rbd",), crf_cache=11, **changes)
    rows = run_rounds(config, make_strategy("cpu:1"))
    shapes = [label_maps(tmp_path / "run" / name).shape for name in ("rbd/round1", "joint/round1")]
    assert shapes == [(10, 16, 16), (10, 32, 32)]
    assert kept == {"rbd/round1": [10], "joint/round1": [10], "fusion": [14]}
    rounds = dict.fromkeys(("rbd/round1", "joint/round1"), "resnet101")
    assert networks == {**rounds, "fusion": config.backbone} and config.backbone != "resnet101"
    assert load_fusion(config).input_shape == (None, 32, 32, 3)
    assert evaluated(config) == [row.scores for row in rows[-2:]]
    note = "maps and the methods&#39; rounds are at 16x16, joint rounds and fusion at 32x32."
    page = write_report(config, rows).read_text()
    assert note in page and "β² = 0.3 mostly precision" in page
    assert f"Rounds train resnet101, the fused network is {config.backbone}." in page


def test_missing_records_are_named(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, records=str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="nowhere/train/images.manifest.json: missing"):
        run_rounds(config, make_strategy("cpu:1"))


@pytest.mark.slow
def test_masks_without_a_test_set_score_the_training_photos(tiny_config, tmp_path):
    write_disc_records(tmp_path / "one/train", count=6, methods=("rbd",))
    config = short(tiny_config, records=str(tmp_path / "one"))
    rows = run_rounds(config, make_strategy("cpu:1"))
    assert [(row.name, row.subject.split) for row in rows] == [
        ("rbd handcrafted map", "train"),
        ("rbd round 1 labels", "train"),
        ("rbd round 1 prediction", "train"),
        ("fusion prediction", "train"),
    ]
    assert evaluated(config) == [rows[-1].scores]


def test_a_run_learns_the_label_version_that_its_workdir_names(tiny_config):
    Path(tiny_config.workdir).mkdir()
    (Path(tiny_config.workdir) / "labels.json").write_text('{"rbd": "corrected7"}')
    with pytest.raises(InputError, match=r"train/labels/rbd/corrected7.manifest.json: missing"):
        run_rounds(tiny_config, make_strategy("cpu:1"))
    with pytest.raises(InputError, match=r"train/labels/rbd/corrected7.manifest.json: missing"):
        run_photos(tiny_config).handcrafted("train", "rbd")
