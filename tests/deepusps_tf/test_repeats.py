"""Repeated trainings, from the command's modes to the table."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from deepusps_tf.commands.evaluate import evaluate
from deepusps_tf.commands.table import table
from deepusps_tf.commands.train import train
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.runs.round_result import load_fusion
from deepusps_tf.runs.workdir import repeat_runs, save_settings
from deepusps_tf.settings.config import Config
from deepusps_tf.training.schedule import run_rounds
from tests.deepusps_tf.conftest import forbid_training

pytestmark = pytest.mark.usefixtures("tiny_network")


def fused_weights(config):
    return [np.copy(weight) for weight in load_fusion(config).get_weights()]


@pytest.mark.slow
def test_a_repeat_is_the_run_that_its_settings_make_alone(
    tiny_config, tmp_path, monkeypatch, capsys
):
    config = dataclasses.replace(
        tiny_config, methods=("rbd",), rounds=1, epochs=1, learning_rates=(1e-2,), crf=False
    )
    config = dataclasses.replace(config, repeats=2, devices="cpu:1", pretrained="none")
    config = dataclasses.replace(config, experiment="Tiny")
    train(config)
    first, second = repeat_runs(config)
    alone = dataclasses.replace(second, workdir=str(tmp_path / "alone"))
    run_rounds(alone, make_strategy("cpu:1"))
    for repeated, again in zip(fused_weights(second), fused_weights(alone), strict=True):
        np.testing.assert_array_equal(repeated, again)
    assert any(
        (one != other).any()
        for one, other in zip(fused_weights(first), fused_weights(second), strict=True)
    )

    evaluate(Config(mode="evaluate", workdir=config.workdir, test_set="again"))
    assert (Path(second.workdir) / "evaluation.csv").is_file()
    capsys.readouterr()
    table(Config(mode="table", workdirs=(config.workdir,), output=str(tmp_path / "out")))
    lines = capsys.readouterr().out.splitlines()
    assert "records (4 photos, at 32x32)" in lines[0] and "again (4 photos" in lines[0]
    assert lines[3].startswith("| Tiny | ") and lines[4].startswith("| ± (2 runs) | ")
    # The training scored the same photos at the same size.
    cells = lines[3].split(" | ")[1:]
    assert cells[:2] == [cell.strip(" |") for cell in cells[2:]]
    assert (tmp_path / "out/table.csv").read_text().startswith("experiment,runs,test_set,")
    assert (tmp_path / "out/table.md").read_text().splitlines()[:5] == lines[:5]

    forbid_training(monkeypatch)
    train(config)  # nothing is trained twice


def test_repeats_take_the_labels_of_their_namesakes_or_all_of_one_run(tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, repeats=3, refined=str(tmp_path / "refined"))
    refined = [run.refined for run in repeat_runs(config)]
    assert refined == [str(tmp_path / f"refined/repeat{number}") for number in (1, 2, 3)]
    (tmp_path / "refined").mkdir()
    save_settings(dataclasses.replace(tiny_config, workdir=config.refined))
    assert {run.refined for run in repeat_runs(config)} == {config.refined}
