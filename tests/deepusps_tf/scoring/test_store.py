import csv
import json

import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.scoring.store import (
    cards_text,
    keep_cards,
    read_cards,
    refuse_mixture,
    score_outputs,
)

MASK = np.zeros((1, 4, 4), np.float32)
MASK[:, :2] = 1
FOUND = MASK.copy()
FOUND[:, 1] = 0  # half of it: precision 1, recall 1/2


def cards(test_set, *maps, resolution="4x4", **subject):
    outputs = {f"output {place}": each for place, each in enumerate(maps)}
    return score_outputs([(outputs, MASK)] * 3, test_set=test_set, resolution=resolution, **subject)


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


def test_figures_replace_those_of_the_same_thing_alone(tmp_path):
    square, own = cards("A", FOUND), cards("A", FOUND, resolution="their own size")
    keep_cards(tmp_path, square)
    keep_cards(tmp_path, own)
    other = cards("A", MASK, scored="maps DSR by masks")
    keep_cards(tmp_path, other)
    assert read_cards(tmp_path) == [*square, *own, *other]
    again = cards("A", MASK, resolution="their own size")
    keep_cards(tmp_path, again)
    assert read_cards(tmp_path) == [*square, *other, *again]
    table = list(csv.DictReader((tmp_path / "evaluation.csv").read_text().splitlines()))
    assert [line["scored"] for line in table] == ["", "maps DSR by masks", ""]


def test_figures_of_something_else_are_not_mixed(tmp_path):
    what = {"test_set": "A", "resolution": "4x4", "scored": "maps RBD by masks"}
    refuse_mixture(tmp_path, **what)
    keep_cards(tmp_path, cards("A", MASK, scored="maps RBD by masks"))
    refuse_mixture(tmp_path, **what)
    for key, value in (("test_set", "B"), ("resolution", "8x8")):
        refuse_mixture(tmp_path, **{**what, key: value, "scored": "maps DSR by masks"})
    with pytest.raises(
        InputError,
        match=r"evaluation.json: its figures on A at 4x4 are of maps RBD by masks, not of maps DSR "
        r"by masks; give another --test_set= or --output=, or delete it$",
    ):
        refuse_mixture(tmp_path, **{**what, "scored": "maps DSR by masks"})


def test_figures_after_another_crf_are_not_mixed_and_those_without_one_leave_them(tmp_path):
    outputs = {"prediction": FOUND, "prediction + CRF": MASK}
    what = {"test_set": "A", "resolution": "4x4", "scored": "model M on A"}
    both = score_outputs([(outputs, MASK)], crf="5 iterations, reach 30", **what)
    assert [card.crf for card in both] == ["", "5 iterations, reach 30"]
    keep_cards(tmp_path, both)
    refuse_mixture(tmp_path, crf="5 iterations, reach 30", **what)
    refuse_mixture(tmp_path, **what)
    with pytest.raises(InputError, match="of a CRF of 5 iterations, reach 30, not of 5 .*80; give"):
        refuse_mixture(tmp_path, crf="5 iterations, reach 80", **what)
    plain = score_outputs([({"prediction": MASK}, MASK)], **what)
    keep_cards(tmp_path, plain)
    assert read_cards(tmp_path) == [both[1], *plain]


def test_files_of_before_are_read_and_not_written_over(tmp_path):
    keep_cards(tmp_path, cards("A", FOUND, scored="maps RBD by masks"))
    path = tmp_path / "evaluation.json"
    lines = json.loads(path.read_text())
    assert lines[0].pop("scored") == "maps RBD by masks"
    path.write_text(json.dumps(lines))
    assert read_cards(tmp_path) == cards("A", FOUND)
    with pytest.raises(InputError, match="are of what it does not name, not of maps RBD"):
        refuse_mixture(tmp_path, test_set="A", resolution="4x4", scored="maps RBD by masks")


def test_console_table_is_in_percent():
    lines = cards_text(cards("discs", MASK, FOUND)).splitlines()
    assert lines[0] == "discs (3 photos, at 4x4), in %"
    assert lines[1].split() == ["output", "0", "output", "1"]
    assert lines[2].split() == ["MAE", "0.00", "25.00"]
    assert lines[7] == "by py_sod_metrics:"
    assert lines[9].split() == ["F", "max", "100.00", "81.25"]


@pytest.mark.parametrize(
    ("oracle", "note"),
    [
        ("", ""),
        ("none", ""),
        ("truth", " (oracle: truth, trained on truth masks)"),
        ("fusion", " (oracle: fusion, trained on truth masks)"),
    ],
)
def test_figures_of_an_oracle_say_so_in_files_and_on_the_console(tmp_path, oracle, note):
    made = cards("discs", MASK, oracle=oracle)
    keep_cards(tmp_path, made)
    assert read_cards(tmp_path) == made and made[0].oracle == oracle
    (line,) = csv.DictReader((tmp_path / "evaluation.csv").read_text().splitlines())
    assert line["oracle"] == oracle
    assert cards_text(made).splitlines()[0] == f"discs (3 photos, at 4x4), in %{note}"


def test_damaged_file_is_named(tmp_path):
    assert read_cards(tmp_path) == []
    (tmp_path / "evaluation.json").write_text('[{"test_set": "A"}]')
    with pytest.raises(InputError, match=r"evaluation.json: damaged; delete it"):
        keep_cards(tmp_path, cards("B", MASK))
