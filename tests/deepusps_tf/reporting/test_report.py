import contextlib
import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data_prep.base.errors import InputError
from data_prep.records.format import LabelRecord, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.commands.report import report as report_command
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.reporting import judgement, report
from deepusps_tf.reporting.photo_errors import JudgedPhoto
from deepusps_tf.reporting.report import write_report
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, labels_stem, write_result
from deepusps_tf.runs.workdir import save_settings
from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.scoring.store import figures_json
from deepusps_tf.settings.config import Config
from tests.deepusps_tf.conftest import write_disc_records


def save_run(config, **changes):
    """Keeps the settings of a run, as training does."""
    config = dataclasses.replace(config, **changes)
    Path(config.workdir).mkdir(parents=True)
    save_settings(config)
    return config


@pytest.fixture
def judged(monkeypatch):
    """Lets `crf_pool` give the run's settings, and every photo be off by their number of steps."""

    @contextlib.contextmanager
    def pool_of(config, *, one_pass):
        yield ("pool of", config.crf_iterations, config.crf_bilateral_sxy) if config.crf else None

    calls = []

    def judge(config, photos, pool, methods):
        calls.append((Path(config.workdir).name, pool))
        for method in methods:
            photos.handcrafted("test", method)
        empty = np.zeros((4, 4), np.float32)
        for photo_id in photos.test.ids:
            outputs = {"fused": empty + np.float32(config.crf_iterations / 100)}
            yield JudgedPhoto(photo_id, np.zeros((4, 4, 3), np.uint8), {}, outputs, empty)

    monkeypatch.setattr(judgement, "start_crf", pool_of)
    monkeypatch.setattr(judgement, "judge_photos", judge)
    return calls


def test_compared_run_is_judged_after_its_own_crf(tiny_config, tmp_path, monkeypatch, judged):
    save_run(tiny_config, workdir=str(tmp_path / "other"), crf_iterations=3, crf_bilateral_sxy=80)
    # Trained by a method that this run's records do not hold.
    save_run(tiny_config, workdir=str(tmp_path / "plain"), crf=False, methods=("dsr",))
    config = save_run(tiny_config, crf_iterations=7)
    drawn = []
    monkeypatch.setattr(report, "error_chart", lambda *given: drawn.append(given) or Figure())
    own = ("run", ("pool of", 7, config.crf_bilateral_sxy))
    for name, theirs, after in (
        ("other", ("pool of", 3, 80), "after its CRF"),
        ("plain", None, "without CRF"),
    ):
        judged.clear()
        compare = str(tmp_path / name)
        page = write_report(dataclasses.replace(config, compare=compare), []).read_text()
        assert judged == [own, (name, theirs)]
        assert f"here, after its CRF, and in {compare}, {after};" in page.replace("&#39;", "'")
    ours, theirs, name = drawn[0]
    assert name == "other"
    assert ours == pytest.approx([0.07] * 4) and theirs == pytest.approx([0.03] * 4)


@pytest.mark.usefixtures("judged")
def test_the_stage_table_stands_beside_the_page(tiny_config):
    config = save_run(tiny_config)
    scores = Scores(4, mae=0.1234, f_fixed=0.8, f_adaptive=0.7, precision=0.9, recall=0.65)
    rows = [
        Figures(RunStage("rbd", 0, "test"), "map", scores),
        Figures(RunStage("fusion", 1, "test"), "prediction + CRF", scores),
    ]
    page = write_report(config, rows)
    assert (page.parent / "stages.csv").read_bytes() == (
        b"method,stage,output,split,photos,MAE,F 0.5,F 2xmean,precision,recall\r\n"
        b"rbd,0,map,test,4,12.34,80.00,70.00,90.00,65.00\r\n"
        b"fusion,1,prediction + CRF,test,4,12.34,80.00,70.00,90.00,65.00\r\n"
    )
    assert (page.parent / "stages.json").read_text() == figures_json(rows)
    cells = "".join(f"<td>{cell}</td>" for cell in ("12.34", "80.00", "70.00", "90.00", "65.00"))
    names = "".join(f"<th>{name}</th>" for name in ("MAE", "F 0.5", "F 2xmean", "precision"))
    assert f"{names}<th>recall</th>" in page.read_text()
    for kind, name in (("map", "rbd handcrafted map"), ("fusion", "fusion prediction + CRF")):
        assert f'<tr class="{kind}"><td>{name}</td>{cells}</tr>' in page.read_text()


@pytest.mark.usefixtures("judged")
def test_figures_of_the_border_are_columns_of_the_tables_that_have_them(tiny_config):
    config = save_run(tiny_config)
    old = Scores(4, mae=0.1234, f_fixed=0.8, f_adaptive=0.7, precision=0.9, recall=0.65)
    new = dataclasses.replace(old, border_recall=0.125, f_touching=0.75)
    rows = [
        Figures(RunStage("rbd", 0, "test"), "map", old),
        Figures(RunStage("fusion", 1, "test"), "prediction + CRF", new),
        Figures(RunStage("rbd", 0, "train"), "map", old),
    ]
    page = write_report(config, rows).read_text()
    held_out, _, training = page.partition("<h2>Training photos")
    header = "<th>recall</th><th>border recall</th><th>F touching</th></tr>"
    assert header in held_out and "border recall" not in training
    assert "<td>65.00</td><td>-</td><td>-</td></tr>" in held_out
    assert "<td>65.00</td><td>12.50</td><td>75.00</td></tr>" in held_out
    note = "Over photos whose object touches the border alone: border recall"
    assert held_out.count(note) == 1
    assert note not in write_report(config, rows[::2]).read_text()
    assert "<th>recall</th></tr>" in training and "<td>65.00</td></tr>" in training


@pytest.mark.usefixtures("judged")
def test_report_is_called_as_its_flag_says_else_as_the_run(tiny_config):
    config = save_run(tiny_config, experiment="Trained as this")
    page = Path(config.workdir) / "report/index.html"
    for flags, title in (
        ({"experiment": "Shown as that"}, "Shown as that"),
        ({}, "Trained as this"),
    ):
        report_command(Config(mode="report", workdir=config.workdir, **flags))
        assert f"<title>{title}" in page.read_text()
    names = re.findall(r"<dt>(\w+)</dt>", page.read_text())
    known = [field.name for field in dataclasses.fields(config)]
    assert names == [name for name in known if name in names] and "crf_iterations" in names


def test_rounds_of_the_run_whose_labels_were_taken_are_shown(tiny_config, tmp_path, judged):
    photos = open_photos(tiny_config.records)
    save_run(tiny_config, workdir=str(tmp_path / "other"), crf=False, epochs=9)
    for name in ("rbd/round1", "rbd/round2", "rbd/round3", "mc/round1"):
        folder = tmp_path / "other" / name
        ids = photos.train.ids
        labels = (LabelRecord.from_map(key, np.zeros((40, 48), np.uint8)) for key in ids)
        write_shards(stem=labels_stem(folder), records=labels, count=len(ids))
        write_result(RoundResult(folder, open_set(labels_stem(folder)), RoundFigures((0.5,), 0.1)))
    config = save_run(tiny_config, refined=str(tmp_path / "other"), size=64, round_size=32)
    page = write_report(config, []).read_text()
    rbd, mc = (
        f"{method} map, threshold "
        f"{1.5 * photos.handcrafted('train', method).manifest.mean_saliency:.2f}"
        for method in ("rbd", "mc")
    )
    columns = ["photo", rbd, "rbd 1", "rbd 2", mc, "mc 1"]
    assert "".join(f"<th>{column}</th>" for column in (*columns, "")) in page
    sizes = "and the methods&#39; rounds are at 32x32, joint rounds and fusion at 64x64."
    note = f"<p>Handcrafted maps {sizes}"
    assert f"{note} The rounds are those of {config.refined}, whose labels this run took;" in page
    assert f"They had --epochs=9 for {config.epochs}, --crf=False for True.</p>" in page
    own = dataclasses.replace(config, threshold_scale=3.0)  # not what those rounds cut maps by
    assert f"<th>{rbd}</th>" in write_report(own, []).read_text()
    (tmp_path / "other/config.flags").unlink()
    assert "They had" not in write_report(config, []).read_text()
    shutil.rmtree(config.refined)
    page = write_report(config, []).read_text()
    assert "".join(f"<th>{column}</th>" for column in ("photo", rbd, mc, "")) in page
    assert f"{note} Labels were refined in {config.refined}, which is no longer there:" in page
    config = dataclasses.replace(config, refined=None)
    assert "ounds are those of" not in write_report(config, []).read_text()


def test_tensorboard_shows_the_largest_errors_and_the_chart_of_the_page(
    tiny_config, tmp_path, judged
):
    save_run(tiny_config, workdir=str(tmp_path / "other"), crf_iterations=3)
    config = save_run(tiny_config, crf_iterations=7)
    write_report(dataclasses.replace(config, compare=str(tmp_path / "other")), [])
    events = EventAccumulator(str(tmp_path / "run/logs/fusion/stages")).Reload()
    shown = {}
    for tag in events.Tags()["tensors"]:
        (event,) = events.Tensors(tag)
        assert event.step == 1
        shown[tag] = [tf.io.decode_png(data).numpy() for data in event.tensor_proto.string_val[2:]]
    assert set(shown) == {
        "Where it fails: the largest errors",
        "Where it and other differ most",
        "Errors against other",
    }
    worst, apart, (chart,) = (shown[tag] for tag in sorted(shown, reverse=True))
    assert len(worst) == len(apart) == 4
    for picture in (*worst, *apart):  # photo, fused output, the other run's and truth
        assert picture.shape == (160, 4 * 160, 3)
        assert np.unique(picture[:, 160:320]) == [18]  # 7% of 255
        assert np.unique(picture[:, 320:480]) == [8]  # 3%
        assert not picture[:, :160].any() and not picture[:, 480:].any()
    assert chart.shape == (500, 540, 3) and chart.min() < 50


def test_photos_that_the_compared_run_was_trained_on_are_left_out(
    tiny_config, tmp_path, monkeypatch, judged
):
    # photo050 and photo051, two of the four test photos of this run.
    write_disc_records(tmp_path / "theirs/train", count=2, first=50)
    other = save_run(
        tiny_config,
        workdir=str(tmp_path / "other"),
        records=str(tmp_path / "theirs"),
        oracle="truth",
        crf_iterations=3,
    )
    config = save_run(tiny_config, compare=other.workdir)
    drawn = []
    monkeypatch.setattr(report, "error_chart", lambda *given: drawn.append(given) or Figure())
    page = write_report(config, []).read_text()
    assert [len(errors) for errors in drawn[0][:2]] == [2, 2]
    assert "Left out: 2 of 4 photos, which that run was trained on." in page
    worst = page.partition("largest errors on photos that other was not trained on")[2]
    assert [f"{key}, MAE" in worst for key in open_photos(config.records).test.ids] == [
        key not in ("photo050", "photo051") for key in open_photos(config.records).test.ids
    ]
    shutil.rmtree(other.records)
    page = write_report(config, []).read_text()
    assert [len(errors) for errors in drawn[1][:2]] == [4, 4]
    assert f"is not known: {other.records}, its records, are no longer there." in page


def test_a_run_that_was_trained_on_every_photo_is_not_compared(tiny_config, tmp_path, judged):
    write_disc_records(tmp_path / "theirs/train", count=5, first=50)
    changes = {"workdir": str(tmp_path / "other"), "records": str(tmp_path / "theirs")}
    other = save_run(tiny_config, **changes)
    config = save_run(tiny_config, compare=other.workdir)
    with pytest.raises(InputError, match="other: was trained on all photos") as error:
        write_report(config, [])
    assert "\n" not in str(error.value)
    assert judged == []


def test_runs_on_training_photos_are_compared_unless_truth_was_trained_on(
    tiny_config, tmp_path, monkeypatch
):
    write_disc_records(tmp_path / "one/train", count=6)
    photos = open_photos(str(tmp_path / "one"))
    for oracle in ("none", "truth"):
        changes = {"workdir": str(tmp_path / oracle), "records": photos.records, "oracle": oracle}
        save_run(tiny_config, **changes)
    config = dataclasses.replace(tiny_config, records=photos.records)
    compared = report._compared_run(
        dataclasses.replace(config, compare=str(tmp_path / "none")), photos
    )
    assert compared.seen == frozenset()
    with pytest.raises(InputError, match="truth: was trained on all photos"):
        report._compared_run(dataclasses.replace(config, compare=str(tmp_path / "truth")), photos)
    oracle = dataclasses.replace(config, oracle="truth", compare=str(tmp_path / "none"))
    with pytest.raises(InputError, match="run: was trained on the truth of all photos"):
        report._compared_run(oracle, photos)


def test_runs_are_not_compared_where_no_photo_has_a_mask(tiny_config, tmp_path, judged):
    write_disc_records(tmp_path / "bare/train", count=3, masks=False)
    config = save_run(tiny_config, records=str(tmp_path / "bare"))
    assert "Errors against" not in write_report(config, []).read_text()
    with pytest.raises(InputError, match="bare: no photos with masks to compare runs on") as error:
        write_report(dataclasses.replace(config, compare=config.workdir), [])
    assert "\n" not in str(error.value) and "leave --compare out" in str(error.value)
    assert judged == []


def test_compared_run_is_looked_for_before_photos_are_judged(tiny_config, tmp_path, judged):
    config = save_run(tiny_config)
    with pytest.raises(InputError, match="nowhere: holds no run"):
        write_report(dataclasses.replace(config, compare=str(tmp_path / "nowhere")), [])
    assert judged == []
