import csv
import dataclasses
import json
import statistics
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.evaluation.comparison import compare, markdown, table_csv
from deepusps_tf.runs.workdir import repeat_runs, save_settings
from deepusps_tf.scoring.figures import Evaluation, Figures, RunStage
from deepusps_tf.scoring.outputs import score_outputs
from deepusps_tf.scoring.store import keep_evaluation, kept_evaluation, scored
from tests.deepusps_tf.scoring import old_files
from tests.deepusps_tf.scoring.made_figures import MASK


def evaluated(test_set, oracle="", **errors):
    """Scores of maps that call so many background pixels foreground."""
    outputs = {}
    for output, count in errors.items():
        outputs[output.replace("refined", "prediction + CRF")] = wrong = MASK.copy()
        wrong[0, 2:].flat[:count] = 1
    return score_outputs([(outputs, MASK)], Evaluation(test_set, "4x4", oracle=oracle))


def f(count):
    """F in percent of a map with so many false positives beside 8 hits."""
    precision = 8 / (8 + count)
    return 100 * 1.3 * precision / (0.3 * precision + 1)


def mae(count):
    return 100 * count / 16


def without_border(figures):
    """The same figures as an older version kept them."""
    scores = dataclasses.replace(figures.scores, border_recall=None, f_touching=None)
    return dataclasses.replace(figures, scores=scores)


def save_run(config, *kept):
    Path(config.workdir).mkdir(parents=True)
    save_settings(config)
    keep_evaluation(Path(config.workdir), [figures for each in kept for figures in each])
    return Path(config.workdir)


@pytest.fixture
def repeats(tiny_config):
    """Three repeats with 1, 2 and 4 errors after the CRF and one more before it."""
    config = dataclasses.replace(tiny_config, repeats=3, seed=5)
    for run, errors in zip(repeat_runs(config), (1, 2, 4), strict=True):
        save_run(
            run, evaluated("A", prediction=errors + 1, refined=errors), evaluated("B", refined=0)
        )
    return Path(config.workdir)


def test_repeats_on_the_labels_of_repeats_are_one_row(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, repeats=2, refined=str(tmp_path / "refined"))
    for run, errors in zip(repeat_runs(config), (1, 3), strict=True):
        save_run(run, evaluated("A", refined=errors))
    (row,) = compare([Path(config.workdir)], crf=True)
    assert row.runs == 2 and row.cells[next(iter(row.cells))].mae == pytest.approx((1 / 16, 3 / 16))
    other = dataclasses.replace(
        config, repeats=1, refined=str(tmp_path / "other"), workdir=str(tmp_path / "alone")
    )
    alone = save_run(other, evaluated("A", refined=2))
    assert [row.runs for row in compare([Path(config.workdir), alone], crf=True)] == [2, 1]


def test_runs_on_the_same_records_are_one_row_however_these_were_made(tiny_config, tmp_path):
    made = {"images": "photos", "test_images": "test", "test_masks": "masks", "experiment": "E"}
    first = save_run(dataclasses.replace(tiny_config, **made), evaluated("A", refined=1))
    again = {"workdir": str(tmp_path / "again"), "experiment": "E", "seed": 1}
    second = save_run(dataclasses.replace(tiny_config, **again), evaluated("A", refined=3))
    (row,) = compare([first, second], crf=True)
    assert (row.name, row.runs) == ("E", 2)


def test_repeats_are_one_row_with_mean_and_sample_deviation(repeats):
    (row,) = compare([repeats], crf=True)
    assert (row.name, row.runs) == ("run", 3)
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in markdown([row]).splitlines()[:5]
    ]
    assert lines[0] == ["Models", "A (1 photos, at 4x4)", "", "B (1 photos, at 4x4)", ""]
    assert lines[2] == ["", "F ↑", "MAE ↓", "F ↑", "MAE ↓"]
    fs, maes = [f(n) for n in (1, 2, 4)], [mae(n) for n in (1, 2, 4)]
    mean = [f"{sum(fs) / 3:.2f}", f"{sum(maes) / 3:.2f}"]
    assert lines[3] == ["run", *mean, "100.00", "0.00"]
    spread = [f"{statistics.stdev(fs):.2f}", f"{statistics.stdev(maes):.2f}"]
    assert lines[4] == ["± (3 runs)", *spread, "0.00", "0.00"]
    # 1, 2 and 4 of 16 pixels: mean 7/3; (16 + 1 + 25) / 9 over n - 1 = 2, its root 1.5275.
    assert spread[1] == f"{100 / 16 * 1.5275:.2f}"
    first = next(csv.DictReader(table_csv([row]).splitlines()))
    assert (first["experiment"], first["runs"], first["test_set"]) == ("run", "3", "A")
    assert (first["F"], first["F sd"], first["MAE"], first["MAE sd"]) == (
        *(mean[0], spread[0]),
        *(mean[1], spread[1]),
    )


def test_predictions_before_the_crf_on_demand(tiny_config):
    run = save_run(tiny_config, evaluated("A", prediction=3, refined=1))
    (refined,), (plain,) = (compare([run], crf=crf)[0].cells.values() for crf in (True, False))
    assert (refined.output, refined.mae) == ("prediction + CRF", (1 / 16,))
    assert (plain.output, plain.mae) == ("prediction", (3 / 16,))


def test_experiments_and_maps_are_rows_and_test_sets_columns(tiny_config, tmp_path):
    one = dataclasses.replace(tiny_config, workdir=str(tmp_path / "one"), experiment="No CRF")
    two = dataclasses.replace(tiny_config, workdir=str(tmp_path / "two"), epochs=9, seed=1)
    first, second = (
        save_run(one, evaluated("A", refined=1)),
        save_run(two, evaluated("B", refined=2)),
    )
    keep_evaluation(tmp_path / "RBD", evaluated("B", map=4))
    rows = compare([tmp_path / "RBD", second, first], crf=True)
    assert [(row.name, row.runs) for row in rows] == [("RBD", 1), ("two", 1), ("No CRF", 1)]
    assert [len(row.cells) for row in rows] == [1, 1, 1]
    lines = markdown(rows).splitlines()
    assert lines[0] == "| Models | B (1 photos, at 4x4) |  | A (1 photos, at 4x4) |  |"
    assert lines[3] == f"| RBD | {f(4):.2f} | 25.00 | - | - |"
    assert lines[5] == f"| No CRF | - | - | {f(1):.2f} | 6.25 |"
    table = list(csv.DictReader(table_csv(rows).splitlines()))
    assert [(line["output"], line["F cut at"]) for line in table] == [
        ("map", "2 x mean"),
        *(2 * [("prediction + CRF", "0.5")]),
    ]
    assert [(line["experiment"], line["F sd"]) for line in table] == [
        ("RBD", ""),
        ("two", ""),
        ("No CRF", ""),
    ]


def test_the_csv_alone_has_the_figures_of_the_border(repeats, tmp_path):
    keep_evaluation(tmp_path / "inside", [without_border(each) for each in evaluated("A", map=4)])
    rows = compare([tmp_path / "inside", repeats], crf=True)
    inside, of_a, of_b = csv.DictReader(table_csv(rows).splitlines())
    names = ("border recall", "border recall sd", "F touching", "F touching sd")
    assert [inside[name] for name in names] == ["", "", "", ""]
    assert (of_a["border recall"], of_a["border recall sd"]) == ("100.00", "0.00")
    assert (of_a["F touching"], of_a["F touching sd"]) == (of_a["F"], of_a["F sd"])
    assert of_b["F touching"] == "100.00"
    assert "border" not in markdown(rows)


def test_the_border_has_no_figure_where_one_of_the_repeats_has_none(repeats):
    kept = kept_evaluation(repeats / "repeat2")
    keep_evaluation(repeats / "repeat2", [without_border(each) for each in kept])
    rows = compare([repeats], crf=True)
    assert [cell.border_recall for cell in rows[0].cells.values()] == [(), ()]
    assert table_csv(rows).splitlines()[0].endswith("F cut at,F,F sd,MAE,MAE sd")


def test_oracles_cannot_pass_for_unsupervised(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, oracle="truth", experiment="X")
    run = save_run(config, evaluated("A", prediction=1))
    keep_evaluation(tmp_path / "scored elsewhere", evaluated("A", oracle="fusion", prediction=1))
    keep_evaluation(tmp_path / "scored elsewhere", evaluated("B", oracle="fusion", prediction=1))
    keep_evaluation(tmp_path / "RBD", evaluated("A", map=1))
    rows = compare([run, tmp_path / "scored elsewhere", tmp_path / "RBD"], crf=True)
    names = [
        "X (oracle: truth, trained on truth masks)",
        "scored elsewhere (oracle: fusion, trained on truth masks)",
        "RBD",
    ]
    lines = markdown(rows).splitlines()[3:6]
    assert [line.split(" | ")[0].strip("| ") for line in lines] == names
    table = csv.DictReader(table_csv(rows).splitlines())
    assert [line["experiment"] for line in table] == [names[0], names[1], names[1], names[2]]


def test_figures_of_the_training_need_no_evaluation(tiny_config):
    workdir = save_run(tiny_config)
    (workdir / "evaluation.json").unlink()
    with pytest.raises(InputError, match="run: has no figures"):
        compare([workdir], crf=True)
    (plain, refined) = (each.scores for each in evaluated("A", prediction=3, refined=1))
    rows = [
        Figures(RunStage("fusion", 1, "train"), "prediction", refined),
        Figures(RunStage("fusion", 1, "test"), "prediction", plain),
        Figures(RunStage("fusion", 1, "test"), "prediction + CRF", refined),
    ]
    scored(workdir / "fusion", lambda: rows)
    ((column, cell),) = compare([workdir], crf=True)[0].cells.items()
    assert str(column) == "records (1 photos, at 32x32)"
    assert cell.mae == (1 / 16,)
    (cell,) = compare([workdir], crf=False)[0].cells.values()
    assert cell.mae == (3 / 16,)


def test_a_repeat_without_figures_is_named(repeats):
    (repeats / "repeat2/evaluation.json").unlink()
    keep_evaluation(repeats / "repeat2", evaluated("A", refined=1))
    with pytest.raises(InputError, match=r"repeat2: has no figures on B \(1 photos"):
        compare([repeats], crf=True)


def test_figures_without_crf_leave_those_of_the_training(tiny_config, tmp_path):
    run = save_run(tiny_config)
    (plain, refined) = evaluated("records", prediction=3, refined=1)
    rows = [Figures(RunStage("fusion", 1, "test"), "prediction + CRF", refined.scores)]
    scored(run / "fusion", lambda: rows)
    keep_evaluation(run, [dataclasses.replace(plain, subject=Evaluation("records", "32x32"))])
    (row,) = compare([run], crf=True)
    (cell,) = row.cells.values()
    assert (cell.output, cell.mae) == ("prediction + CRF", (1 / 16,))


def test_a_repeat_that_lacks_an_output_is_named(repeats):
    (repeats / "repeat2/evaluation.json").unlink()
    keep_evaluation(
        repeats / "repeat2", [*evaluated("A", prediction=1), *evaluated("B", refined=0)]
    )
    message = r"repeat2: has no figures of prediction \+ CRF on A .*--mode=evaluate it there"
    with pytest.raises(InputError, match=message):
        compare([repeats], crf=True)


def test_one_run_given_twice_is_refused(repeats):
    with pytest.raises(InputError, match=r"repeat1 and .*repeat1: the same run twice"):
        compare([repeats, repeats / "repeat1"], crf=True)


def test_a_workdir_of_older_and_of_new_files_has_the_figures_of_both(tiny_config):
    run = save_run(tiny_config)
    (run / "fusion").mkdir()
    stages = json.loads(old_files.STAGES)
    (run / "fusion/scores.json").write_text(json.dumps(stages[2:]))
    (run / "evaluation.json").write_text(old_files.UNNAMED)
    keep_evaluation(run, evaluated("A", refined=1))
    (row,) = compare([run], crf=True)
    cells = {str(column): (cell.output, cell.f, cell.mae) for column, cell in row.cells.items()}
    assert cells == {
        "records (1 photos, at 32x32)": ("prediction + CRF", (0.8124999403953552,), (0.25,)),
        "discs (2 photos, at 32x32)": ("prediction", (0.8124999403953552,), (0.25,)),
        "A (1 photos, at 4x4)": ("prediction + CRF", (pytest.approx(f(1) / 100),), (1 / 16,)),
    }
