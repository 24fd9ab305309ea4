import dataclasses
import shutil

import pytest

from deepusps_tf.scoring.scores import Scores
from deepusps_tf.scoring.stages import (
    StageRow,
    collect_rows,
    read_rows,
    rows_json,
    scored,
    table_text,
)

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


def test_rounds_of_the_run_whose_labels_were_taken_are_collected(tiny_config, tmp_path):
    def keep(run, folder, *rows):
        scored(tmp_path / run / folder, lambda: list(rows))

    def row(stage, output, split, count=7, mae=0.1234):
        scores = dataclasses.replace(SCORES, count=count, mae=mae)
        return StageRow("rbd", stage, output, split, scores)

    maps = [row(0, "map", "test"), row(0, "map", "train", mae=0.2)]
    keep("run", "rbd/round0", *maps)
    keep("run", "fusion", ROWS[2])
    # Its training photos are the same, on any device; its test photos are not.
    keep(
        "other",
        "rbd/round0",
        row(0, "map", "test", mae=0.13),
        row(0, "map", "train", mae=0.2000001),
    )
    rounds = [row(number, "labels", "train", mae=0.3) for number in (1, 2, 3)]
    for labels in rounds:
        keep("other", f"rbd/round{labels.stage}", labels, row(labels.stage, "prediction", "test"))
    config = dataclasses.replace(tiny_config, methods=("rbd",), refined=str(tmp_path / "other"))
    assert config.rounds == 2
    assert collect_rows(config) == [*maps, *rounds[:2], ROWS[2]]
    shutil.rmtree(config.refined)
    assert collect_rows(config) == [*maps, ROWS[2]]


@pytest.mark.parametrize("mae, count", [(0.1234, 6), (0.1235, 7)])
def test_rounds_scored_on_other_photos_are_not_collected(tiny_config, tmp_path, mae, count):
    other = dataclasses.replace(ROWS[0], scores=dataclasses.replace(SCORES, mae=mae, count=count))
    for folder, row in (
        ("run/rbd/round0", ROWS[0]),
        ("other/rbd/round0", other),
        ("other/rbd/round1", dataclasses.replace(ROWS[1], split="test")),
    ):
        scored(tmp_path / folder, lambda row=row: [row])
    config = dataclasses.replace(tiny_config, refined=str(tmp_path / "other"))
    assert collect_rows(config) == [ROWS[0]]
