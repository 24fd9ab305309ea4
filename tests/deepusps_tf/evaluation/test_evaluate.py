import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.photos import list_photos
from data_prep.write_records import write_records
from deepusps_tf.commands.export import export_run
from deepusps_tf.evaluation.evaluate import evaluate_maps, evaluate_model, evaluate_run, evaluations
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.runs.workdir import save_settings
from deepusps_tf.scoring.store import keep_evaluation, kept_evaluation
from deepusps_tf.serving.model_facts import ModelFacts
from deepusps_tf.serving.saliency_model import SaliencyModel
from deepusps_tf.settings.config import Config
from tests.deepusps_tf.conftest import SIDE, disc_photo, write_disc_records

pytestmark = pytest.mark.usefixtures("tiny_network")


@pytest.fixture
def photos(tmp_path):
    folders = {"images": tmp_path / "discs/images", "masks": tmp_path / "discs/masks"}
    for folder in folders.values():
        folder.mkdir(parents=True)
    for number in range(3):
        pictures = (picture[number:] for picture in disc_photo(number))
        for folder, picture in zip(folders.values(), pictures, strict=True):
            Image.fromarray(picture).save(folder / f"p{number}.png")
    return {name: str(folder) for name, folder in folders.items()}


def test_records_are_scored_at_the_networks_size(finished_run):
    plain, refined = evaluate_run(Config(mode="evaluate", workdir=finished_run.workdir))
    assert (plain.output, refined.output) == ("prediction", "prediction + CRF")
    assert (plain.subject.test_set, plain.subject.resolution, plain.scores.count) == (
        "records",
        "32x32",
        4,
    )
    named = Config(mode="evaluate", workdir=finished_run.workdir, test_set="discs")
    assert evaluate_run(named) == [
        dataclasses.replace(each, subject=dataclasses.replace(each.subject, test_set="discs"))
        for each in (plain, refined)
    ]


def test_run_and_its_export_score_the_same_on_a_folder(finished_run, photos):
    finished_run = dataclasses.replace(finished_run, crf_bilateral_sxy=30.0)
    save_settings(finished_run)
    run = Config(mode="evaluate", workdir=finished_run.workdir, **photos)
    figures = evaluate_run(run)
    assert [each.output for each in figures] == ["prediction", "prediction + CRF"]
    assert {(each.subject.test_set, each.subject.resolution) for each in figures} == {
        ("discs", "their own size")
    }
    folder = export_run(finished_run).parent
    model = Config(
        mode="evaluate", model=str(folder), output="o", crf_processes=1, batch_size=2, **photos
    )
    exported = evaluate_model(model)
    for ours, theirs in zip(figures, exported, strict=True):
        assert vars(theirs.scores) == pytest.approx(vars(ours.scores), abs=1e-5)
        assert ours.subject.crf == theirs.subject.crf
    assert exported[1].subject.crf == "5 iterations, reach 30"
    (plain,) = evaluate_model(dataclasses.replace(model, crf=False))
    assert plain.scores == exported[0].scores and plain.subject.crf == ""


def test_figures_name_the_crf_behind_them(finished_run, photos, monkeypatch):
    model = SaliencyModel(None, SIDE, "m")
    monkeypatch.setattr("deepusps_tf.evaluation.evaluate.open_chosen", lambda _: model)
    monkeypatch.setattr(
        "deepusps_tf.evaluation.evaluate.score_outputs", lambda _, subject: subject.crf
    )
    save_settings(dataclasses.replace(finished_run, crf_iterations=3, crf_bilateral_sxy=30.0))
    run = Config(mode="evaluate", workdir=finished_run.workdir, **photos)
    assert evaluate_run(run) == "3 iterations, reach 30"
    assert evaluate_run(dataclasses.replace(run, crf=False)) == ""
    config = Config(mode="evaluate", model="m", output="o", crf_processes=1, **photos)
    assert evaluate_model(config) == "5 iterations, reach 80"
    model.facts = ModelFacts(refined=True, crf=CrfSettings(bilateral_sxy=30))
    assert evaluate_model(config) == "5 iterations, reach 30"
    assert evaluate_model(dataclasses.replace(config, crf=False)) == ""
    changed = dataclasses.replace(config, crf_iterations=2)
    assert evaluate_model(changed) == "2 iterations, reach 30"


def test_folders_of_test_and_of_training_photos_are_told_apart(finished_run, photos, tmp_path):
    train = {"images": str(tmp_path / "train/images"), "masks": str(tmp_path / "train/masks")}
    for name, folder in train.items():
        shutil.copytree(photos[name], folder)
    save_settings(dataclasses.replace(finished_run, crf=False, **train))
    test = {f"test_{name}": folder for name, folder in photos.items()}
    config = Config(mode="evaluate", workdir=finished_run.workdir, **train)
    (each,) = evaluate_run(config)
    assert each.subject.test_set == "train (training photos)"
    assert each.subject.scored.endswith(f"on {train['images']} by {train['masks']}")
    (each,) = evaluate_run(Config(mode="evaluate", workdir=finished_run.workdir, **test))
    assert each.subject.test_set == "discs"
    assert each.subject.scored.endswith(f"on {photos['images']} by {photos['masks']}")


def test_a_runs_training_photos_are_called_that_wherever_their_records_lie(finished_run, tmp_path):
    write_disc_records(tmp_path / "own/train", count=3)
    write_disc_records(tmp_path / "theirs/train", count=2, first=50)
    shutil.copytree(tmp_path / "own", tmp_path / "moved")
    save_settings(dataclasses.replace(finished_run, crf=False, records=str(tmp_path / "own")))
    for name, test_set, count in (
        ("theirs", "theirs", 2),
        ("own", "own (training photos)", 3),
        ("moved", "moved (training photos)", 3),
    ):
        records = str(tmp_path / name)
        config = Config(mode="evaluate", workdir=finished_run.workdir, records=records)
        (each,) = evaluate_run(config)
        assert (each.subject.test_set, each.scores.count) == (test_set, count)


def test_folders_are_scored_at_the_networks_size_as_their_records_are(
    finished_run, photos, tmp_path
):
    write_records(
        photos=list_photos(photos["images"]),
        maps={},
        output=str(tmp_path / "discs/train"),
        masks=Path(photos["masks"]),
        progress=False,
    )
    run = Config(mode="evaluate", workdir=finished_run.workdir)
    of_records = evaluate_run(dataclasses.replace(run, records=str(tmp_path / "discs")))
    figures = evaluate_run(dataclasses.replace(run, resolution="network", **photos))
    for each, other in zip(figures, of_records, strict=True):
        assert (each.subject.test_set, each.subject.resolution) == ("discs", "32x32")
        assert each.scores.count == 3
        assert each.output == other.output and each.subject.crf == other.subject.crf
        assert vars(each.scores) == pytest.approx(vars(other.scores), abs=1e-6)
        assert vars(each.field) == pytest.approx(vars(other.field), abs=1e-6)


def test_run_must_be_finished(tiny_config, photos):
    Path(tiny_config.workdir).mkdir()
    save_settings(tiny_config)
    with pytest.raises(InputError, match="holds no finished run"):
        evaluate_run(Config(mode="evaluate", workdir=tiny_config.workdir, **photos))


def test_a_run_keeps_its_figures_at_both_sizes_under_one_name(finished_run, photos):
    save_settings(dataclasses.replace(finished_run, crf=False))
    run = Config(mode="evaluate", workdir=finished_run.workdir, test_set="discs")
    for config in (run, dataclasses.replace(run, **photos), run):
        for folder, figures in evaluations(config):
            keep_evaluation(folder, figures)
    kept = kept_evaluation(Path(finished_run.workdir))
    assert [(each.subject.resolution, each.output) for each in kept] == [
        ("their own size", "prediction"),
        ("32x32", "prediction"),
    ]
    assert kept[0].subject.scored == f"this run on {photos['images']} by {photos['masks']}"
    assert kept[1].subject.scored == f"this run on {finished_run.records}/test"


def test_other_maps_or_photos_do_not_take_the_place_of_figures(photos, tmp_path, monkeypatch):
    rbd = Config(
        mode="evaluate", maps=photos["masks"], masks=photos["masks"], output=str(tmp_path / "o")
    )
    ((folder, kept),) = evaluations(rbd)
    keep_evaluation(folder, kept)
    others = {"maps": tmp_path / "DSR", "masks": tmp_path / "elsewhere/discs/masks"}
    for name, other in others.items():
        shutil.copytree(photos["masks"], other)
        config = dataclasses.replace(rbd, **{name: str(other)})
        with monkeypatch.context() as patch, pytest.raises(InputError) as error:
            patch.setattr(
                "deepusps_tf.evaluation.evaluate.score_outputs", None
            )  # refused before it
            list(evaluations(config))
        assert "evaluation.json: its figures on discs at their own size are of maps" in str(
            error.value
        )
        assert str(other) in str(error.value) and "\n" not in str(error.value)
        ((_, named),) = evaluations(dataclasses.replace(config, test_set=name))
        assert named[0].subject.test_set == name
    assert kept_evaluation(folder) == kept
    ((_, again),) = evaluations(rbd)
    assert again == kept


def test_figures_keep_the_oracle_behind_them(finished_run, photos, monkeypatch):
    model = SaliencyModel(None, SIDE, "m")
    monkeypatch.setattr("deepusps_tf.evaluation.evaluate.open_chosen", lambda _: model)
    monkeypatch.setattr(
        "deepusps_tf.evaluation.evaluate.score_outputs",
        lambda _, subject: [(subject.test_set, subject.oracle)],
    )
    workdir = finished_run.workdir
    run = Config(mode="evaluate", workdir=workdir, crf=False)
    models = {"beside its run": f"{workdir}/export", "one version": f"{workdir}/export/1"}
    models["copied"] = f"{photos['images']}/export"
    for oracle in ("none", "truth"):
        save_settings(dataclasses.replace(finished_run, oracle=oracle, crf=False))
        assert evaluate_run(run) == [("records", oracle)]
        assert evaluate_run(dataclasses.replace(run, **photos)) == [("discs", oracle)]
        for name, folder in models.items():
            config = Config(
                mode="evaluate", model=folder, output="o", test_set=name, crf=False, **photos
            )
            assert evaluate_model(config) == [(name, "" if name == "copied" else oracle)]
    model.facts = ModelFacts(oracle="truth")
    assert evaluate_model(config) == [("copied", "truth")]


def test_truth_as_a_map_is_perfect(photos):
    masks = photos["masks"]
    config = Config(mode="evaluate", maps=masks, masks=masks, output="o")
    (each,) = evaluate_maps(config)
    assert (each.output, each.scores.mae, each.scores.f_fixed) == ("map", 0, 1)
    assert np.isclose(each.field.s_measure, 1)
