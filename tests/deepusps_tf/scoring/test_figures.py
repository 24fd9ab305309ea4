import dataclasses
import json

import pytest

from deepusps_tf.scoring.figures import Evaluation, FieldScores, Figures, RunStage, read_line
from deepusps_tf.scoring.scores import Scores

SCORES = Scores(7, mae=0.1234, f_fixed=0.8, f_adaptive=0.7, precision=0.9, recall=0.65)
FIELD = FieldScores(*(number / 10 for number in range(1, 10)))
STAGE = Figures(RunStage("rbd", 0, "test"), "map", SCORES)
TOUCHING = dataclasses.replace(
    STAGE, scores=dataclasses.replace(SCORES, border_recall=0.5, f_touching=0.6)
)
EVALUATION = Figures(
    Evaluation("discs", "32x32", "this run on /discs", "none"), "prediction", SCORES, FIELD
)


def test_stages_are_named_by_method_and_round_and_evaluations_by_their_output():
    subjects = {
        "rbd handcrafted map": (RunStage("rbd", 0, "test"), "map"),
        "rbd round 1 labels": (RunStage("rbd", 1, "train"), "labels"),
        "joint round 2 prediction": (RunStage("joint", 2, "test"), "prediction"),
        "fusion prediction + CRF": (RunStage("fusion", 1, "test"), "prediction + CRF"),
        "prediction + CRF": (Evaluation("discs", "32x32"), "prediction + CRF"),
    }
    for name, (subject, output) in subjects.items():
        assert Figures(subject, output, SCORES).name == name


def test_the_papers_f_cuts_maps_alone_at_twice_their_mean():
    for output, f in (("map", 0.7), ("labels", 0.8), ("prediction", 0.8)):
        assert dataclasses.replace(STAGE, output=output).paper_f == f


def test_lines_hold_what_there_is_in_the_order_of_the_files():
    assert list(STAGE.as_line()) == ["method", "stage", "output", "split", "scores"]
    assert STAGE.as_line()["stage"] == 0
    assert list(EVALUATION.as_line()) == [
        *("test_set", "output", "resolution", "scores", "field", "scored", "oracle", "crf")
    ]


def test_lines_leave_out_figures_that_there_are_not():
    assert list(STAGE.as_line()["scores"]) == [
        *("count", "mae", "f_fixed", "f_adaptive", "precision", "recall")
    ]
    assert TOUCHING.as_line()["scores"] == {
        **STAGE.as_line()["scores"],
        "border_recall": 0.5,
        "f_touching": 0.6,
    }


@pytest.mark.parametrize("figures", [STAGE, EVALUATION, TOUCHING])
def test_lines_round_trip_through_json(figures):
    line = json.loads(json.dumps(figures.as_line()))
    assert read_line(line) == figures
    assert line == figures.as_line()  # reading left it whole


@pytest.mark.parametrize("figures", [STAGE, EVALUATION])
def test_lines_that_lack_something_or_hold_something_unknown_are_refused(figures):
    line = figures.as_line()
    optional = {"scored", "oracle", "crf", "field"}
    for name in line.keys() - optional:
        with pytest.raises((TypeError, LookupError)):
            read_line({key: value for key, value in line.items() if key != name})
    for name in line.keys() & optional:
        read_line({key: value for key, value in line.items() if key != name})
    with pytest.raises(TypeError):
        read_line({**line, "colour": "red"})
    with pytest.raises(TypeError):
        read_line({**line, "scores": {**line["scores"], "colour": 1}})
