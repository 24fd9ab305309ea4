import dataclasses

import pytest

from data_prep.base.errors import InputError
from data_prep.records.format import open_set
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.distribution.workers import ALONE
from deepusps_tf.reporting.report import write_report
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.training.label_rounds import run_label_rounds
from deepusps_tf.training.schedule import run_rounds

pytestmark = pytest.mark.usefixtures("tiny_network")


def label(config):
    """Makes the labels of a run's only method."""
    made = run_label_rounds(
        config=config,
        photos=open_photos(config.records),
        strategy=make_strategy("cpu:1"),
        workers=ALONE,
        pool=None,
    )
    (labels,) = made.labels
    return labels


@pytest.mark.slow
def test_rounds_end_when_labels_are_stable(tiny_config, tmp_path):
    # Any second round changes its labels by less.
    rates = (1e-2,) * 3
    config = dataclasses.replace(
        tiny_config, methods=("rbd",), crf=False, rounds=3, learning_rates=rates, until_stable=0.9
    )
    rows = run_rounds(config, make_strategy("cpu:1"))
    assert [row.subject.stage for row in rows if row.output == "labels"] == [1, 2]
    assert not (tmp_path / "run/rbd/round3").exists()
    assert collect_rows(config) == rows
    assert write_report(config, rows).is_file()


@pytest.mark.slow
def test_refined_labels_of_another_run_are_taken(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, methods=("rbd",), crf=False)
    own = label(config)
    assert own.stem == str(tmp_path / "run/rbd/round2/labels")
    for rounds in (2, 1):
        changes = {"workdir": str(tmp_path / "other"), "refined": config.workdir}
        taker = dataclasses.replace(config, rounds=rounds, **changes)
        taken = label(taker)
        assert taken == open_set(str(tmp_path / f"run/rbd/round{rounds}/labels"))
    assert not (tmp_path / "other/rbd/round1").exists()
    taker = dataclasses.replace(config, rounds=3, learning_rates=(1e-2,) * 3, **changes)
    with pytest.raises(InputError, match="rbd/round3: holds no finished round"):
        label(taker)
    taker = dataclasses.replace(taker, until_stable=0.9)  # round 2 moved its labels by less
    taken = label(taker)
    assert taken == open_set(str(tmp_path / "run/rbd/round2/labels"))


def test_unfinished_refinement_of_another_run_is_refused(tiny_config):
    config = dataclasses.replace(tiny_config, refined="elsewhere")
    with pytest.raises(InputError, match="elsewhere/rbd/round2: holds no finished round"):
        run_rounds(config, make_strategy("cpu:1"))
