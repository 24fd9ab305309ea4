from types import SimpleNamespace

import numpy as np

from deepusps_tf.reporting.label_agreement import Agreement
from deepusps_tf.reporting.tables import figure_tables, label_table
from deepusps_tf.runs.round_result import RoundFigures
from deepusps_tf.scoring.figures import Evaluation, FieldScores, Figures, RunStage
from deepusps_tf.scoring.scores import Scores

SCORES = Scores(1234, 0.1, 0.8, 0.7, 0.9, 0.6)
FIGURES = ["10.00", "80.00", "70.00", "90.00", "60.00"]


def test_stages_and_evaluations_have_tables_whose_columns_are_explained():
    rows = [
        Figures(RunStage("rbd", 0, "train"), "map", SCORES),
        Figures(RunStage("fusion", 1, "train"), "prediction", SCORES),
        Figures(RunStage("rbd", 1, "test"), "prediction", SCORES),
    ]
    evaluated = Evaluation("ECSSD", "their own size", "this run")
    kept = [Figures(evaluated, "prediction + CRF", SCORES, FieldScores(*[0.5] * 9))]
    held_out, training, evaluations = figure_tables(rows, kept)
    assert (held_out.title, training.title) == (
        "Held-out photos (1,234)",
        "Training photos (1,234)",
    )
    assert [(row.name, row.kind, row.cells) for row in training.rows] == [
        ("rbd handcrafted map", "map", FIGURES),
        ("fusion prediction", "fusion", FIGURES),
    ]
    assert held_out.rows[0].kind == ""
    assert evaluations.rows[0].name == "ECSSD (1,234, at their own size), prediction + CRF"
    for table in (held_out, evaluations):
        assert list(table.terms) == table.columns
    assert figure_tables([], []) == []


def test_labels_are_told_from_the_maps_to_the_last_round():
    def history(method, *rounds):
        return SimpleNamespace(method=method, rounds=tuple((None, each) for each in rounds))

    rbd = history(
        "rbd",
        RoundFigures((), 0.125, 0.25, (0.2,)),
        RoundFigures((), 0.1, 0.3, (0.25,)),
    )
    mc = history("mc", RoundFigures((), 0.2, 0.15, (0.1,)))
    joint = history("joint", RoundFigures((), 0.05, 0.24, (0.3, 0.15)))
    overlap = np.full((1, 2, 2), 0.625)
    overlap[:, [0, 1], [0, 1]] = 1
    table = label_table([rbd, mc, joint], Agreement(("rbd", "mc"), overlap, np.zeros((1, 2))))
    columns = ["began at", "round 1 changed", "round 2 changed", "ended at", "overlap"]
    assert table.columns == columns
    assert [(row.name, *row.cells) for row in table.rows] == [
        ("rbd", "20.0", "12.5", "10.0", "30.0", "62.5"),
        ("mc", "10.0", "20.0", "-", "15.0", "62.5"),
        ("joint", "22.5", "5.0", "-", "24.0", "-"),
    ]
    maps = label_table([history("rbd")], None)
    assert (maps.columns, maps.rows[0].cells) == (["began at", "ended at"], ["-", "-"])
