from deepusps_tf.evaluate import Scores
from deepusps_tf.stages import StageRow, collect_rows, read_rows, rows_json, scored, table_text

SCORES = Scores(7, 0.1234, 0.8, 0.7, 0.9, 0.65)
ROWS = [
    StageRow("rbd", 0, "map", "test", SCORES),
    StageRow("rbd", 1, "labels", "train", SCORES),
    StageRow("fusion", 1, "prediction + CRF", "test", SCORES),
]


def test_rows_round_trip(tmp_path):
    (tmp_path / "rows.json").write_text(rows_json(ROWS))
    assert read_rows(tmp_path / "rows.json") == ROWS


def test_names():
    assert [row.name for row in ROWS] == [
        "rbd handcrafted map",
        "rbd round 1 labels",
        "fusion prediction + CRF",
    ]


def test_scores_are_computed_once(tmp_path):
    assert scored(tmp_path / "new", lambda: ROWS) == ROWS
    assert scored(tmp_path / "new", lambda: 1 / 0) == ROWS


def test_table_is_in_percent_by_split():
    lines = table_text(ROWS).splitlines()
    assert lines[0] == "held-out photos (7), in %"
    assert lines[2] == "rbd handcrafted map         12.34     80.00     70.00     90.00     65.00"
    assert lines[5] == "training photos (7), in %"


def test_no_rows_no_table():
    assert table_text([]) == ""


def test_collects_in_the_order_of_the_schedule(tiny_config, tmp_path):
    for folder, row in (("fusion", ROWS[2]), ("rbd/round1", ROWS[1]), ("rbd/round0", ROWS[0])):
        scored(tmp_path / "run" / folder, lambda row=row: [row])
    assert collect_rows(tiny_config) == ROWS
