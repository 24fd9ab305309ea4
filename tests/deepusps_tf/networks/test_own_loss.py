"""The loss of examples/extend/my_loss.py; tests/examples/test_extend.py trains with it by flag."""

import dataclasses
import shutil

import numpy as np
import pytest

from data_prep.records.format import open_labels
from deepusps_tf.data.batches import scoring_batches
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.training.rounds import Round
from deepusps_tf.training.trainer import Trainer
from tests.deepusps_tf.conftest import started_model
from tests.deepusps_tf.tiny_run import ROOT

SOURCE = ROOT / "examples/extend/my_loss.py"


@pytest.mark.usefixtures("tiny_network")
def test_it_is_what_a_round_minimises(tiny_config, disc_photos, tmp_path, monkeypatch):
    shutil.copy(SOURCE, tmp_path / "copied_loss.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    config = dataclasses.replace(tiny_config, loss="copied_loss:cross_entropy", batch_size=10)
    labels = [open_labels(f"{config.records}/train/labels/rbd/round0", disc_photos)]
    trainer = Trainer(config, make_strategy("cpu:1"), disc_photos, beta_squared=1.0, makes=None)
    result = trainer.train(Round("rbd/round1", 0, 0.3, 1e-2, epochs=1), labels, None)
    (batch,) = scoring_batches(images=disc_photos, labels=labels, size=32, batch_size=10)
    made = started_model(config, "rbd/round1")(batch["image"], training=True).numpy()
    maps = batch["labels"].numpy()
    expected = -np.mean(maps * np.log(made) + (1 - maps) * np.log(1 - made))
    assert result.losses == pytest.approx([expected], rel=1e-4)
