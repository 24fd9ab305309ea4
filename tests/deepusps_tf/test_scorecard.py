import csv

import numpy as np
import pytest

from data_prep.errors import InputError
from deepusps_tf.scorecard import cards_text, keep_cards, read_cards, score_outputs

MASK = np.zeros((1, 4, 4), np.float32)
MASK[:, :2] = 1
FOUND = MASK.copy()
FOUND[:, 1] = 0  # half of it: precision 1, recall 1/2


def cards(test_set, *maps):
    outputs = {f"output {place}": each for place, each in enumerate(maps)}
    return score_outputs([(outputs, MASK)] * 3, test_set=test_set, resolution="4x4")


def test_scores_each_output_by_both_scorers():
    right, half = cards("discs", MASK, FOUND)
    assert (right.output, half.output) == ("output 0", "output 1")
    assert (right.scores.count, right.scores.mae, right.scores.f_fixed) == (3, 0, 1)
    assert half.scores.mae == half.field.mae == 0.25
    assert (half.scores.precision, half.scores.recall) == (1, 0.5)
    assert half.scores.f_fixed == pytest.approx(0.8125)
    assert half.field.f_adaptive == pytest.approx(half.scores.f_adaptive)


def test_pictures_of_several_sizes_count_the_same():
    small = (np.ones((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32))
    (card,) = score_outputs(
        [({"map": FOUND}, MASK), ({"map": small[0]}, small[1])], test_set="s", resolution="own"
    )
    assert card.scores.mae == 0.25 / 2


def test_test_sets_are_kept_side_by_side_and_renewed(tmp_path):
    folder = tmp_path / "new/folder"
    keep_cards(folder, cards("A", FOUND))
    keep_cards(folder, cards("B", FOUND, MASK))
    keep_cards(folder, cards("A", MASK))
    assert read_cards(folder) == [*cards("B", FOUND, MASK), *cards("A", MASK)]
    table = list(csv.DictReader((folder / "evaluation.csv").read_text().splitlines()))
    assert [(line["test_set"], line["output"]) for line in table] == [
        ("B", "output 0"),
        ("B", "output 1"),
        ("A", "output 0"),
    ]
    assert (table[0]["photos"], table[0]["MAE"], table[0]["F 0.5"]) == ("3", "25.00", "81.25")
    assert (table[0]["F max"], table[2]["F max"]) == ("81.25", "100.00")


def test_console_table_is_in_percent():
    lines = cards_text(cards("discs", MASK, FOUND)).splitlines()
    assert lines[0] == "discs (3 photos, at 4x4), in %"
    assert lines[1].split() == ["output", "0", "output", "1"]
    assert lines[2].split() == ["MAE", "0.00", "25.00"]
    assert lines[7] == "by py_sod_metrics:"
    assert lines[9].split() == ["F", "max", "100.00", "81.25"]


def test_damaged_file_is_named(tmp_path):
    assert read_cards(tmp_path) == []
    (tmp_path / "evaluation.json").write_text('[{"test_set": "A"}]')
    with pytest.raises(InputError, match=r"evaluation.json: damaged; delete it"):
        keep_cards(tmp_path, cards("B", MASK))
