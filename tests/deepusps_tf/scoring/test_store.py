import csv
import dataclasses
import json

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.scoring.figures import Evaluation, FieldScores, Figures, RunStage
from deepusps_tf.scoring.outputs import score_outputs
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.scoring.store import (
    figures_json,
    keep_evaluation,
    kept_evaluation,
    kept_rows,
    refuse_mixture,
    scored,
)
from tests.deepusps_tf.scoring import old_files
from tests.deepusps_tf.scoring.made_figures import FOUND, MASK, evaluated

RBD = Evaluation("A", "4x4", "maps RBD by masks")
SCORES = Scores(7, 0.1234, 0.8, 0.7, 0.9, 0.65)
ROWS = [
    Figures(RunStage("rbd", 0, "test"), "map", SCORES),
    Figures(RunStage("rbd", 1, "train"), "labels", SCORES),
    Figures(
        RunStage("fusion", 1, "test"),
        "prediction + CRF",
        Scores(1, 0.25, 0.8124999403953552, 0.8124999403953552, 1.0, 0.5),
    ),
]


def test_stages_are_scored_once(tmp_path):
    assert kept_rows(tmp_path / "new") == []
    assert scored(tmp_path / "new", lambda: ROWS) == ROWS
    assert scored(tmp_path / "new", lambda: 1 / 0) == ROWS
    assert kept_rows(tmp_path / "new") == ROWS


def test_test_sets_are_kept_side_by_side_and_renewed(tmp_path):
    folder = tmp_path / "new/folder"
    keep_evaluation(folder, evaluated("A", FOUND))
    keep_evaluation(folder, evaluated("B", FOUND, MASK))
    keep_evaluation(folder, evaluated("A", MASK))
    assert kept_evaluation(folder) == [*evaluated("B", FOUND, MASK), *evaluated("A", MASK)]
    table = list(csv.DictReader((folder / "evaluation.csv").read_text().splitlines()))
    assert [(line["test_set"], line["output"]) for line in table] == [
        ("B", "output 0"),
        ("B", "output 1"),
        ("A", "output 0"),
    ]
    assert (table[0]["photos"], table[0]["MAE"], table[0]["F 0.5"]) == ("3", "25.00", "81.25")
    assert (table[0]["F max"], table[2]["F max"]) == ("81.25", "100.00")


def test_figures_replace_those_of_the_same_thing_alone(tmp_path):
    square, own = evaluated("A", FOUND), evaluated("A", FOUND, resolution="their own size")
    keep_evaluation(tmp_path, square)
    keep_evaluation(tmp_path, own)
    other = evaluated("A", MASK, scored="maps DSR by masks")
    keep_evaluation(tmp_path, other)
    assert kept_evaluation(tmp_path) == [*square, *own, *other]
    again = evaluated("A", MASK, resolution="their own size")
    keep_evaluation(tmp_path, again)
    assert kept_evaluation(tmp_path) == [*square, *other, *again]
    table = list(csv.DictReader((tmp_path / "evaluation.csv").read_text().splitlines()))
    assert [line["scored"] for line in table] == ["", "maps DSR by masks", ""]


def test_figures_of_something_else_are_not_mixed(tmp_path):
    refuse_mixture(tmp_path, RBD)
    keep_evaluation(tmp_path, evaluated("A", MASK, scored="maps RBD by masks"))
    refuse_mixture(tmp_path, RBD)
    dsr = dataclasses.replace(RBD, scored="maps DSR by masks")
    for change in ({"test_set": "B"}, {"resolution": "8x8"}):
        refuse_mixture(tmp_path, dataclasses.replace(dsr, **change))
    with pytest.raises(
        InputError,
        match=r"evaluation.json: its figures on A at 4x4 are of maps RBD by masks, not of maps DSR "
        r"by masks; give another --test_set= or --output=, or delete it$",
    ):
        refuse_mixture(tmp_path, dsr)


def test_figures_after_another_crf_are_not_mixed_and_those_without_one_leave_them(tmp_path):
    outputs = {"prediction": FOUND, "prediction + CRF": MASK}
    plain = Evaluation("A", "4x4", "model M on A")
    refined = dataclasses.replace(plain, crf="5 iterations, reach 30")
    both = score_outputs([(outputs, MASK)], refined)
    keep_evaluation(tmp_path, both)
    refuse_mixture(tmp_path, refined)
    refuse_mixture(tmp_path, plain)
    with pytest.raises(InputError, match="of a CRF of 5 iterations, reach 30, not of 5 .*80; give"):
        refuse_mixture(tmp_path, dataclasses.replace(plain, crf="5 iterations, reach 80"))
    again = score_outputs([({"prediction": MASK}, MASK)], plain)
    keep_evaluation(tmp_path, again)
    assert kept_evaluation(tmp_path) == [both[1], *again]


def test_the_oracle_behind_figures_is_kept(tmp_path):
    made = evaluated("discs", MASK, oracle="truth")
    keep_evaluation(tmp_path, made)
    assert kept_evaluation(tmp_path) == made and made[0].subject.oracle == "truth"
    (line,) = csv.DictReader((tmp_path / "evaluation.csv").read_text().splitlines())
    assert line["oracle"] == "truth"


def test_stages_that_older_versions_kept_are_read_and_written_the_same(tmp_path):
    (tmp_path / "scores.json").write_text(old_files.STAGES)
    assert kept_rows(tmp_path) == scored(tmp_path, lambda: 1 / 0) == ROWS
    assert figures_json(ROWS) == old_files.STAGES


def test_figures_of_the_border_stand_beside_those_of_older_versions(tmp_path):
    (tmp_path / "evaluation.json").write_text(old_files.UNNAMED)
    keep_evaluation(tmp_path, evaluated("A", FOUND))
    old, new = kept_evaluation(tmp_path)
    assert (old.scores.border_recall, old.scores.f_touching) == (None, None)
    assert new.scores == evaluated("A", FOUND)[0].scores
    assert new.scores.border_recall == pytest.approx(4 / 6)
    table = list(csv.DictReader((tmp_path / "evaluation.csv").read_text().splitlines()))
    assert [(line["border recall"], line["F touching"]) for line in table] == [
        ("", ""),
        ("66.67", "81.25"),
    ]


def test_evaluations_that_older_versions_kept_are_read_and_written_the_same(tmp_path):
    (tmp_path / "evaluation.json").write_text(old_files.NAMED)
    plain, refined = kept_evaluation(tmp_path)
    subject = Evaluation("discs", "32x32", "this run on /records/test", "none")
    assert plain == Figures(
        subject,
        "prediction",
        Scores(2, 0.25, 0.8124999403953552, 0.8124999403953552, 1.0, 0.5),
        FieldScores(
            mae=0.25,
            f_max=0.8125,
            f_mean=0.8115340523097826,
            f_adaptive=0.8125,
            f_weighted=0.9294120703711772,
            s_measure=0.515093499670659,
            e_max=0.6812149901380666,
            e_mean=0.6795956607495064,
            e_adaptive=0.6812149901380666,
        ),
    )
    assert refined.output == "prediction + CRF" and refined.scores.mae == 0
    assert refined.subject == dataclasses.replace(subject, crf="5 iterations, reach 80")
    assert figures_json([plain, refined]) == old_files.NAMED


def test_figures_without_a_name_are_read_kept_and_not_mixed_with_named_ones(tmp_path):
    (tmp_path / "evaluation.json").write_text(old_files.UNNAMED)
    (old,) = kept_evaluation(tmp_path)
    assert old.subject == Evaluation("discs", "32x32", scored="", oracle="", crf="")
    assert (old.output, old.scores.mae, old.field.f_max) == ("prediction", 0.25, 0.8125)
    with pytest.raises(InputError, match="are of what it does not name, not of maps RBD by masks"):
        refuse_mixture(tmp_path, dataclasses.replace(RBD, test_set="discs", resolution="32x32"))
    new = evaluated("B", MASK, scored="maps RBD by masks")
    keep_evaluation(tmp_path, new)
    assert kept_evaluation(tmp_path) == [old, *new]


@pytest.mark.parametrize(
    "text",
    [
        '[{"test_set": "A"}]',
        "{",
        "[1]",
        "3",
        old_files.NAMED.replace("resolution", "revolution"),
        old_files.NAMED.replace("f_max", "f_min", 1),
    ],
)
def test_damaged_evaluation_is_named_and_left(tmp_path, text):
    assert kept_evaluation(tmp_path) == []
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(InputError, match=r"evaluation.json: damaged; delete it and evaluate again"):
        keep_evaluation(tmp_path, evaluated("B", MASK))
    assert (tmp_path / "evaluation.json").read_text() == text


def test_damaged_stages_are_named(tmp_path):
    for text in ("[", json.dumps([{"method": "rbd"}]), old_files.STAGES.replace("stage", "state")):
        (tmp_path / "scores.json").write_text(text)
        with pytest.raises(InputError, match=r"scores.json: damaged; delete it and run the same"):
            scored(tmp_path, lambda: ROWS)
