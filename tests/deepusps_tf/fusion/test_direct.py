import dataclasses

import pytest

from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.training.schedule import run_rounds
from tests.deepusps_tf.fusion.fusing import learned, maps_of


def test_each_method_is_cut_at_its_own_mean(tiny_config):
    task = learned(dataclasses.replace(tiny_config, fusion="direct"))
    means = [part.manifest.mean_saliency for part in maps_of(tiny_config)]
    assert task.threshold == (1.5 * means[0], 1.5 * means[1]) and means[0] != means[1]


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network")
def test_direct_runs_without_rounds(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, fusion="direct")
    rows = run_rounds(config, make_strategy("cpu:1"))
    assert [
        (row.subject.method, row.subject.stage, row.output, row.subject.split) for row in rows
    ] == [
        ("rbd", 0, "map", "train"),
        ("rbd", 0, "map", "test"),
        ("mc", 0, "map", "train"),
        ("mc", 0, "map", "test"),
        ("fusion", 1, "prediction", "train"),
        ("fusion", 1, "prediction", "test"),
        ("fusion", 1, "prediction + CRF", "test"),
    ]
    assert collect_rows(config) == rows
    assert not (tmp_path / "run/rbd/round1").exists()
