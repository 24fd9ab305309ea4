import dataclasses

import pytest

from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.fusion.base import make_fusion
from deepusps_tf.fusion.noise_model import NoiseEstimates
from deepusps_tf.labels.averaging import Averaging
from deepusps_tf.runs.checkpoints import EpochCommits
from deepusps_tf.training.rounds import Round
from deepusps_tf.training.tensorboard import EpochLog
from deepusps_tf.training.trainer import Trainer
from tests.deepusps_tf.fusion.fusing import maps_of


@pytest.mark.usefixtures("tiny_network")
def test_an_epoch_ends_with_its_commit_after_all_that_it_publishes(
    tiny_config, disc_photos, monkeypatch
):
    ended = []
    for part in (EpochCommits, NoiseEstimates, Averaging, EpochLog):

        def end(self, epoch, logs=None, part=part, whole=part.on_epoch_end):
            whole(self, epoch, logs)
            ended.append((epoch, part.__name__))

        monkeypatch.setattr(part, "on_epoch_end", end)
    config = dataclasses.replace(tiny_config, fusion="noise_model")
    trainer = Trainer(
        config,
        make_strategy("cpu:1"),
        disc_photos,
        beta_squared=4.0,
        makes="averages",
        fusion=make_fusion(config),
        label_sets=2,
    )
    trainer.train(Round("joint/round1", 0, 0.5, 1e-2, epochs=2), maps_of(config), None)
    # The log is of training alone, before CRFs are waited for; nothing is published half.
    order = ["EpochLog", "Averaging", "NoiseEstimates", "EpochCommits"]
    assert ended == [(epoch, name) for epoch in (0, 1) for name in order]
