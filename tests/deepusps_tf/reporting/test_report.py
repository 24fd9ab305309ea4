import contextlib
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data_prep.base.errors import InputError
from data_prep.pictures.images import read_rgb
from data_prep.records.format import LabelRecord, open_set
from data_prep.records.shard_writer import write_shards
from deepusps_tf.commands.report import report as report_command
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.reporting import compared_run, judgement, report
from deepusps_tf.reporting.final_masks import FinalModel
from deepusps_tf.reporting.galleries import SIDE as PICTURE
from deepusps_tf.reporting.photo_errors import JudgedPhoto
from deepusps_tf.reporting.report import write_report
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, labels_stem, write_result
from deepusps_tf.runs.workdir import save_settings
from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.scoring.store import figures_json
from deepusps_tf.settings.config import Config
from tests.deepusps_tf.conftest import write_disc_records
from tests.deepusps_tf.reporting.html_tree import parse, table, text, texts
from tests.deepusps_tf.reporting.html_tree import rows as rows_of


class BrightModel:
    """Finds the bright pixels of a photo, which are those of its disc."""

    def predict(self, picture):
        return read_rgb(picture).max(axis=2) / np.float32(255) > 0.5


@pytest.fixture(autouse=True)
def bright_model(monkeypatch):
    """Lets every run end in `BrightModel`."""
    model = FinalModel("bright", None, BrightModel)
    monkeypatch.setattr(report, "final_model", lambda config: model)


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
    monkeypatch.setattr(compared_run, "error_chart", lambda *given: drawn.append(given) or Figure())
    own = ("run", ("pool of", 7, config.crf_bilateral_sxy))
    for name, theirs, after in (
        ("other", ("pool of", 3, 80), "after its CRF"),
        ("plain", None, "without CRF"),
    ):
        judged.clear()
        compare = str(tmp_path / name)
        page = parse(write_report(dataclasses.replace(config, compare=compare), []).read_text())
        assert judged == [own, (name, theirs)]
        assert f"here, after its CRF, and in {compare}, {after};" in text(page)
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
    cells = ["12.34", "80.00", "70.00", "90.00", "65.00"]
    shown = table(parse(page.read_text()), "Held-out photos (4)")
    assert rows_of(shown) == [
        ["", "MAE", "F 0.5", "F 2xmean", "precision", "recall"],
        ["rbd handcrafted map", *cells],
        ["fusion prediction + CRF", *cells],
    ]
    assert [row.get("class") for row in shown.iter("tr")] == [None, "map", "fusion"]


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
    page = parse(write_report(config, rows).read_text())
    held_out, training = (
        rows_of(table(page, title)) for title in ("Held-out photos (4)", "Training photos (4)")
    )
    assert held_out[0][-3:] == ["recall", "border recall", "F touching"]
    assert [row[-3:] for row in held_out[1:]] == [["65.00", "-", "-"], ["65.00", "12.50", "75.00"]]
    assert [row[-1] for row in training] == ["recall", "65.00"]
    terms = texts(page, ".//section[@id='tables']/dl/div/dt")
    assert [terms.count(name) for name in ("recall", "border recall")] == [2, 1]
    without = parse(write_report(config, rows[::2]).read_text())
    assert "border recall" not in texts(without, ".//section[@id='tables']/dl/div/dt")


@pytest.mark.usefixtures("judged")
def test_report_is_called_as_its_flag_says_else_as_the_run(tiny_config):
    config = save_run(tiny_config, experiment="Trained as this")
    page = Path(config.workdir) / "report/index.html"
    for flags, title in (
        ({"experiment": "Shown as that"}, "Shown as that"),
        ({}, "Trained as this"),
    ):
        report_command(Config(mode="report", workdir=config.workdir, **flags))
        assert texts(parse(page.read_text()), "head/title") == [f"{title}: DeepUSPS run"]
    settings = "dl[@class='pairs settings']/div/dt"
    names = texts(parse(page.read_text()), f".//section[@id='run']/details/{settings}")
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

    def shown(config):
        page = parse(write_report(config, []).read_text())
        labels = table(page, "Training labels, round by round")
        return rows_of(labels)[0], text(page.find(".//section[@id='look']"))

    columns, said = shown(config)
    rbd, mc = (
        f"{method} map, threshold "
        f"{1.5 * photos.handcrafted('train', method).manifest.mean_saliency:.2f}"
        for method in ("rbd", "mc")
    )
    assert columns == ["photo", rbd, "rbd 1", "rbd 2", mc, "mc 1"]
    note = (
        "Handcrafted maps and the methods' rounds are at 32x32, joint rounds and fusion at 64x64. "
    )
    assert f"{note}The rounds are those of {config.refined}, whose labels this run took;" in said
    assert f"They had --epochs=9 for {config.epochs}, --crf=False for True." in said
    own = dataclasses.replace(config, threshold_scale=3.0)  # not what those rounds cut maps by
    assert rbd in shown(own)[0]
    (tmp_path / "other/config.flags").unlink()
    assert "They had" not in shown(config)[1]
    shutil.rmtree(config.refined)
    columns, said = shown(config)
    assert columns == ["photo", rbd, mc]
    assert f"{note}Labels were refined in {config.refined}, which is no longer there:" in said
    assert "ounds are those of" not in shown(dataclasses.replace(config, refined=None))[1]


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
        assert picture.shape == (PICTURE, 4 * PICTURE, 3)
        photo, ours, theirs, truth = np.split(picture, 4, axis=1)
        assert np.unique(ours) == [18]  # 7% of 255
        assert np.unique(theirs) == [8]  # 3%
        assert not photo.any() and not truth.any()
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
    monkeypatch.setattr(compared_run, "error_chart", lambda *given: drawn.append(given) or Figure())
    page = parse(write_report(config, []).read_text())
    assert [len(errors) for errors in drawn[0][:2]] == [2, 2]
    assert "Left out: 2 of 4 photos, which that run was trained on." in text(page)
    failures = "Where it fails: the largest errors on photos that other was not trained on"
    worst = {row[0].partition(",")[0] for row in rows_of(table(page, failures))[1:]}
    assert worst == {"photo052", "photo053"}
    shutil.rmtree(other.records)
    page = parse(write_report(config, []).read_text())
    assert [len(errors) for errors in drawn[1][:2]] == [4, 4]
    assert f"is not known: {other.records}, its records, are no longer there." in text(page)


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
    compared = compared_run.compared_run(
        dataclasses.replace(config, compare=str(tmp_path / "none")), photos
    )
    assert compared.seen == frozenset()
    with pytest.raises(InputError, match="truth: was trained on all photos"):
        compared_run.compared_run(
            dataclasses.replace(config, compare=str(tmp_path / "truth")), photos
        )
    oracle = dataclasses.replace(config, oracle="truth", compare=str(tmp_path / "none"))
    with pytest.raises(InputError, match="run: was trained on the truth of all photos"):
        compared_run.compared_run(oracle, photos)


def test_runs_are_not_compared_where_no_photo_has_a_mask(tiny_config, tmp_path, judged):
    write_disc_records(tmp_path / "bare/train", count=3, masks=False)
    config = save_run(tiny_config, records=str(tmp_path / "bare"))
    assert "Errors against" not in text(parse(write_report(config, []).read_text()))
    with pytest.raises(InputError, match="bare: no photos with masks to compare runs on") as error:
        write_report(dataclasses.replace(config, compare=config.workdir), [])
    assert "\n" not in str(error.value) and "leave --compare out" in str(error.value)
    assert judged == []


def test_compared_run_is_looked_for_before_photos_are_judged(tiny_config, tmp_path, judged):
    config = save_run(tiny_config)
    with pytest.raises(InputError, match="nowhere: holds no run"):
        write_report(dataclasses.replace(config, compare=str(tmp_path / "nowhere")), [])
    assert judged == []


def pictures(root, path):
    return [image.get("alt") for image in root.findall(path)]


@pytest.mark.usefixtures("judged")
def test_a_run_with_masks_says_how_good_it_is_and_where_it_fails(tiny_config):
    config = save_run(tiny_config, test_images="/data/ECSSD/images")
    maps = Scores(4, mae=0.2, f_fixed=0.5, f_adaptive=0.75, precision=0.9, recall=0.4)
    final = Scores(4, mae=0.05, f_fixed=0.9, f_adaptive=0.8, precision=0.91, recall=0.87)
    stages = [
        Figures(RunStage("rbd", 0, "test"), "map", maps),
        Figures(RunStage("fusion", 1, "test"), "prediction + CRF", final),
    ]
    page = parse(write_report(config, stages).read_text())
    verdict = page.find(".//section[@id='verdict']")
    assert verdict.get("class") == "good"
    assert text(verdict.find("p[@class='sentence']")) == (
        "Good: of what the model marks 91% is object, and of the object it finds 87%, on the 4 "
        "photos of ECSSD, which it was not trained on."
    )
    ids = open_photos(config.records).test.ids
    sheet = page.findall(".//section[@id='masks']/ul/li")
    assert sorted(texts(page, ".//section[@id='masks']/ul/li/span")) == sorted(
        f"{key}, MAE {config.crf_iterations}.0%" for key in ids
    )
    for card in sheet:
        key = text(card.find("span")).partition(",")[0]
        alts = [f"photo {key}", f"mask of {key}", f"cutout of {key}"]
        assert pictures(card, ".//img") == alts
    titles = texts(page, ".//section[@id='look']/h3")
    assert titles[:2] == ["Labels by method", "Where it fails: the largest errors"]
    columns = rows_of(table(page, "Where it fails: the largest errors"))[0]
    assert columns == ["photo", "fused", "mask by hand"]


def test_a_run_without_masks_shows_its_masks_and_claims_nothing(tiny_config, tmp_path):
    records = tmp_path / "bare"
    write_disc_records(records / "train", count=20, masks=False)
    config = save_run(tiny_config, records=str(records), experiment="bare")
    for method, share in (("rbd", 0.2), ("mc", 0.21)):
        folder = Path(config.workdir) / method / "round1"
        ids = open_photos(config.records).train.ids
        discs = (LabelRecord.from_map(key, np.eye(32, dtype=np.uint8) * 255) for key in ids)
        write_shards(stem=labels_stem(folder), records=discs, count=len(ids))
        made = RoundFigures((0.5, 0.4), 0.1, share, (0.2,))
        write_result(RoundResult(folder, open_set(labels_stem(folder)), made))
    path = write_report(config, [])
    page = parse(path.read_text())
    assert [each.get("id") for each in page.findall("body/main/section")] == [
        *("verdict", "masks", "look", "curves", "run")
    ]
    verdict = page.find(".//section[@id='verdict']")
    assert verdict.get("class") == "unknown"
    assert "only your eyes can say" in text(verdict.find("p[@class='sentence']"))
    sheets = page.findall(".//section[@id='masks']/ul")
    assert [len(sheet) for sheet in sheets] == [12, 6]
    keys = [text(card.find("span")).partition(",")[0] for sheet in sheets for card in sheet]
    assert len(set(keys)) == 18
    assert rows_of(table(page, "Labels by method")) == [
        ["", "began at", "round 1 changed", "ended at", "overlap"],
        ["rbd", "20.0", "10.0", "20.0", "100.0"],
        ["mc", "20.0", "10.0", "21.0", "100.0"],
    ]
    disputed = rows_of(table(page, "Photos on which the labels disagree most"))
    assert disputed[0] == ["photo", "rbd", "mc", "final mask"] and len(disputed) == 7
    assert texts(page, ".//section[@id='curves']//h3") == [
        "Loss of the methods' rounds",
        "Coverage of the labels",
    ]
    kept = (path.parent / "masks.npz").read_bytes()
    assert parse(write_report(config, []).read_text()).find("body") is not None
    assert (path.parent / "masks.npz").read_bytes() == kept


def test_a_page_needs_no_other_file_and_every_picture_has_words(tiny_config, tmp_path, judged):
    save_run(tiny_config, workdir=str(tmp_path / "other"))
    config = save_run(tiny_config, compare=str(tmp_path / "other"))
    page = parse(write_report(config, []).read_text())
    assert page.findall(".//script") == [] and page.findall(".//link") == []
    links = {element.get("href") for element in page.iter("a")}
    anchors = {f"#{element.get('id')}" for element in page.iter() if element.get("id")}
    assert links <= anchors
    images = list(page.iter("img"))
    assert all(image.get("src").startswith("data:image/") for image in images)
    assert all(len(image.get("alt")) > 4 for image in images)
    # A gallery's pictures are enlarged by a box that is checked, its rows begin with their photo.
    for gallery in page.findall(".//table[@class='gallery']"):
        for row in gallery.findall("tbody/tr"):
            assert row[0].tag == "th" and row[0].get("scope") == "row"
            assert all(cell.find("label/input[@type='checkbox']") is not None for cell in row)
