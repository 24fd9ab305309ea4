import dataclasses
import json

import pytest

from deepusps_tf.scoring.figures import Figures, RunStage, read_line
from deepusps_tf.scoring.layout import (
    csv_text,
    evaluation_csv,
    evaluation_text,
    percentages,
    shown_columns,
    stages_csv,
    table_text,
)
from deepusps_tf.scoring.scores import Scores
from tests.deepusps_tf.scoring import old_files
from tests.deepusps_tf.scoring.made_figures import FOUND, MASK, evaluated

SCORES = Scores(7, mae=0.1234, f_fixed=0.8, f_adaptive=0.7, precision=0.9, recall=0.65)
ROWS = [
    Figures(RunStage("rbd", 0, "test"), "map", SCORES),
    Figures(RunStage("rbd", 1, "train"), "labels", SCORES),
    Figures(RunStage("fusion", 1, "test"), "prediction + CRF", dataclasses.replace(SCORES, mae=1)),
]
TOUCHING = [
    dataclasses.replace(ROWS[0], scores=dataclasses.replace(SCORES, border_recall=0.125)),
    *ROWS[1:],
]
EVALUATED = [read_line(line) for line in json.loads(old_files.NAMED)]


def test_figures_are_in_percent_in_the_order_of_the_columns():
    assert percentages(SCORES) == ["12.34", "80.00", "70.00", "90.00", "65.00"]
    assert percentages(SCORES, {"recall": "R", "mae": "M"}) == ["65.00", "12.34"]


def test_figures_of_the_border_have_columns_where_a_row_has_them():
    assert list(shown_columns(ROWS)) == [*("mae", "f_fixed", "f_adaptive", "precision", "recall")]
    assert shown_columns([]) == shown_columns(ROWS)
    assert list(shown_columns(TOUCHING).items())[5:] == [("border_recall", "border recall")]
    columns = {"border_recall": "B", "f_touching": "T"}
    assert percentages(TOUCHING[0].scores, columns) == ["12.50", "-"]
    assert percentages(TOUCHING[0].scores, columns, "") == ["12.50", ""]


def test_stage_table_is_in_percent_by_split():
    assert table_text(TOUCHING) == table_text(ROWS)  # no wider
    assert table_text(ROWS) == (
        "held-out photos (7), in %\n"
        "                              MAE     F 0.5  F 2xmean precision    recall\n"
        "rbd handcrafted map         12.34     80.00     70.00     90.00     65.00\n"
        "fusion prediction + CRF    100.00     80.00     70.00     90.00     65.00\n"
        "\n"
        "training photos (7), in %\n"
        "                         MAE     F 0.5  F 2xmean precision    recall\n"
        "rbd round 1 labels     12.34     80.00     70.00     90.00     65.00\n"
    )


def test_no_rows_no_table():
    assert table_text([]) == ""


def test_evaluation_has_an_output_a_column_in_percent():
    assert evaluation_text(EVALUATED) == (
        "discs (2 photos, at 32x32), in %\n"
        "                     prediction prediction + CRF\n"
        "MAE                       25.00             0.00\n"
        "F 0.5                     81.25           100.00\n"
        "F 2xmean                  81.25           100.00\n"
        "precision                100.00           100.00\n"
        "recall                    50.00           100.00\n"
        "by py_sod_metrics:\n"
        "MAE stretched             25.00             0.00\n"
        "F max                     81.25           100.00\n"
        "F mean                    81.15            99.83\n"
        "F adaptive                81.25           100.00\n"
        "F weighted                92.94           100.00\n"
        "S                         51.51           100.00\n"
        "E max                     68.12           106.67\n"
        "E mean                    67.96           106.35\n"
        "E adaptive                68.12           106.67\n"
    )


def test_evaluation_shows_the_border_after_recall_where_an_object_touches_it():
    lines = evaluation_text(evaluated("discs", MASK, FOUND)).splitlines()
    assert lines[6:10] == [
        "recall                   100.00            50.00",
        "border recall            100.00            66.67",
        "F touching               100.00            81.25",
        "by py_sod_metrics:",
    ]
    old = dataclasses.replace(evaluated("discs", MASK)[0], scores=SCORES)
    lines = evaluation_text([*evaluated("discs", MASK), old]).splitlines()
    assert lines[7] == "border recall            100.00                -"


@pytest.mark.parametrize(
    ("oracle", "note"),
    [
        ("", ""),
        ("none", ""),
        ("truth", " (oracle: truth, trained on truth masks)"),
        ("fusion", " (oracle: fusion, trained on truth masks)"),
    ],
)
def test_figures_of_an_oracle_say_so_on_the_console(oracle, note):
    text = evaluation_text(evaluated("discs", MASK, FOUND, oracle=oracle))
    assert text.splitlines()[0] == f"discs (3 photos, at 4x4), in %{note}"


def test_stages_as_csv():
    assert stages_csv(ROWS) == (
        "method,stage,output,split,photos,MAE,F 0.5,F 2xmean,precision,recall\n"
        "rbd,0,map,test,7,12.34,80.00,70.00,90.00,65.00\n"
        "rbd,1,labels,train,7,12.34,80.00,70.00,90.00,65.00\n"
        "fusion,1,prediction + CRF,test,7,100.00,80.00,70.00,90.00,65.00\n"
    )


def test_figures_of_the_border_as_csv_are_empty_where_there_are_none():
    assert stages_csv(TOUCHING) == (
        "method,stage,output,split,photos,MAE,F 0.5,F 2xmean,precision,recall,border recall\n"
        "rbd,0,map,test,7,12.34,80.00,70.00,90.00,65.00,12.50\n"
        "rbd,1,labels,train,7,12.34,80.00,70.00,90.00,65.00,\n"
        "fusion,1,prediction + CRF,test,7,100.00,80.00,70.00,90.00,65.00,\n"
    )
    header, old, _, new = evaluation_csv([*EVALUATED, *evaluated("A", FOUND)]).splitlines()
    assert header.split(",")[7:12] == [
        *("precision", "recall", "border recall", "F touching", "MAE stretched")
    ]
    assert old.split(",")[8:12] == ["50.00", "", "", "25.00"]
    assert new.split(",")[8:12] == ["50.00", "66.67", "81.25", "25.00"]


def test_evaluation_as_csv():
    header = (
        "test_set,output,resolution,photos,MAE,F 0.5,F 2xmean,precision,recall,MAE stretched,F max,"
        "F mean,F adaptive,F weighted,S,E max,E mean,E adaptive,scored,oracle,crf\n"
    )
    assert evaluation_csv([]) == header
    assert evaluation_csv(EVALUATED) == header + (
        "discs,prediction,32x32,2,25.00,81.25,81.25,100.00,50.00,25.00,81.25,81.15,81.25,92.94,"
        "51.51,68.12,67.96,68.12,this run on /records/test,none,\n"
        "discs,prediction + CRF,32x32,2,0.00,100.00,100.00,100.00,100.00,0.00,100.00,99.83,100.00,"
        '100.00,100.00,106.67,106.35,106.67,this run on /records/test,none,"5 iterations, reach 80'
        '"\n'
    )


def test_csv_quotes_what_needs_it():
    assert csv_text(["a", "b"], [["1, 2", 3], ["", "said “so”"]]) == ('a,b\n"1, 2",3\n,said “so”\n')
