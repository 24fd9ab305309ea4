import dataclasses
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from data_prep.records.format import LabelRecord, open_labels
from data_prep.records.shard_writer import write_shards
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, read_figures, write_result
from deepusps_tf.training.label_drift import out_of_proportion, swings, warn_of_drift
from deepusps_tf.training.round_end import end_round
from deepusps_tf.training.rounds import Round
from tests.deepusps_tf.conftest import SIDE, tiny_model


def figures(change, coverage, *learned):
    return RoundFigures((0.5,), change, coverage, learned)


def finish(folder, made):
    folder.mkdir(parents=True)
    write_result(RoundResult(folder, None, made))


def warnings_of(caplog, workdir, name, made, *others):
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="absl"):
        warn_of_drift(workdir / name, made, [workdir / other for other in others])
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("coverage", "reference", "far"),
    [
        # The demo's first and last rounds, rbd: from 20.5% to 39.4%.
        (0.298, 0.205, False),
        (0.394, 0.205, False),
        (0.50, 0.205, False),
        (0.52, 0.205, True),
        (0.07, 0.205, False),
        (0.05, 0.205, True),
        (0.90, 0.60, True),
        (0.0, 0.2, True),
        (1.0, 0.9, True),
        (0.0, 0.0, False),
    ],
)
def test_what_is_out_of_proportion(coverage, reference, far):
    assert out_of_proportion(coverage, reference) == far


@pytest.mark.parametrize(
    ("before", "change", "swing"),
    [
        (0.17, 0.10, False),
        (0.10, 0.14, False),
        (0.10, 0.16, True),
        (0.01, 0.04, False),
        (None, 0.4, False),
        (0.1, None, False),
    ],
)
def test_what_swings(before, change, swing):
    assert swings(before, change) == swing


def test_labels_that_grow_are_told_with_their_figures(tmp_path, caplog):
    finish(tmp_path / "rbd/round1", figures(0.2, 0.3, 0.2))
    (line,) = warnings_of(caplog, tmp_path, "rbd/round2", figures(0.1, 0.55, 0.3))
    assert line == (
        "rbd/round2: THE LABELS GREW OUT OF PROPORTION: they cover 55.0% of the photos, the maps "
        "they began from 20.0%. The next round learns from these. Lower --learning_rates, raise "
        "--epochs, take fewer --rounds, or leave this method out of --methods."
    )
    assert warnings_of(caplog, tmp_path, "rbd/round2", figures(0.1, 0.4, 0.3)) == []


def test_labels_that_shrink_are_told(tmp_path, caplog):
    (line,) = warnings_of(caplog, tmp_path, "rbd/round1", figures(0.1, 0.04, 0.2))
    assert "rbd/round1: THE LABELS SHRANK" in line
    assert "cover 4.0% of the photos, the maps they began from 20.0%." in line


def test_labels_unlike_those_of_the_other_methods_are_told(tmp_path, caplog):
    for method, coverage in (("mc", 0.18), ("dsr", 0.2), ("hs", 0.6)):
        finish(tmp_path / method / "round1", figures(0.1, coverage, 0.2))
    others = ("mc", "dsr", "hs", "gone")
    (line,) = warnings_of(caplog, tmp_path, "rbd/round1", figures(0.1, 0.55, 0.3), *others)
    said = "they began from 30.0%, those of the other methods 20.0%."
    assert f"they cover 55.0% of the photos, the maps {said}" in line
    assert warnings_of(caplog, tmp_path, "rbd/round1", figures(0.1, 0.4, 0.3), *others) == []


def test_rounds_that_swing_are_told(tmp_path, caplog):
    finish(tmp_path / "rbd/round1", figures(0.2, 0.3, 0.2))
    finish(tmp_path / "rbd/round2", figures(0.1, 0.3, 0.3))
    (line,) = warnings_of(caplog, tmp_path, "rbd/round3", figures(0.25, 0.3, 0.3))
    assert line == (
        "rbd/round3: THE LABELS SWING: this round changed them by 0.250 on average, the one before "
        "by 0.100; they should settle. Lower --learning_rates, raise --epochs, or end with "
        "--rounds=2."
    )


def test_rounds_of_older_versions_are_read_and_say_nothing_of_coverage(tmp_path, caplog):
    old = tmp_path / "rbd/round1"
    old.mkdir(parents=True)
    (old / "round.json").write_text('{"labels": true, "losses": [0.5, 0.4], "change": 0.2}\n')
    assert read_figures(old) == RoundFigures((0.5, 0.4), 0.2)
    assert warnings_of(caplog, tmp_path, "rbd/round2", figures(0.1, 0.9, 0.3), "rbd") == []
    (line,) = warnings_of(caplog, tmp_path, "rbd/round2", figures(0.4, 0.9, 0.3))
    assert "THE LABELS SWING" in line


def made_round(config, images, number, share):
    """Ends a round whose predictions call the left `share` of each photo salient."""
    spec = Round(f"rbd/round{number}", number - 1, 0.5, 1e-2, 1)
    folder = Path(config.workdir) / spec.name
    (folder / "checkpoints").mkdir(parents=True)
    label = np.zeros((SIDE, SIDE), np.uint8)
    label[:, : round(share * SIDE)] = 255
    labels = [open_labels(f"{config.records}/train/labels/half/round0", images)]
    network = tiny_model(backbone="", size=SIDE)
    return end_round(
        spec=spec,
        config=config,
        images=images,
        labels=labels,
        made=[label] * len(images.ids),
        network=network,
        losses=[0.5],
    )


def test_a_round_keeps_its_coverage_and_warns(tiny_config, disc_photos, caplog):
    half = np.zeros((SIDE, SIDE), np.uint8)
    half[:8] = 255  # the upper quarter
    write_shards(
        stem=f"{tiny_config.records}/train/labels/half/round0",
        records=(LabelRecord.from_map(photo_id, half) for photo_id in disc_photos.ids),
        count=len(disc_photos.ids),
    )
    config = dataclasses.replace(tiny_config, methods=("rbd",))
    result = made_round(config, disc_photos, 1, 0.5)
    assert result.figures.coverage == 0.5 and result.figures.learned == (0.25,)
    assert result.change == pytest.approx(0.5)  # an eighth stays, an eighth goes, 3 eighths come
    kept = json.loads((result.folder / "round.json").read_text())
    assert kept == {
        "labels": True,
        "losses": [0.5],
        "change": result.change,
        "coverage": 0.5,
        "learned": [0.25],
    }
    assert "LABELS" not in caplog.text
    made_round(config, disc_photos, 2, 0.75)
    assert "rbd/round2: THE LABELS GREW OUT OF PROPORTION: they cover 75.0%" in caplog.text
    assert "the maps they began from 25.0%" in caplog.text
