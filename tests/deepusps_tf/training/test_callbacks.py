import dataclasses

import pytest

from data_prep.base.job import Job, under_way
from data_prep.base.work import Stage
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.fusion.base import make_fusion
from deepusps_tf.fusion.noise_model import NoiseEstimates
from deepusps_tf.labels.averaging import Averaging
from deepusps_tf.runs.checkpoints import EpochCommits
from deepusps_tf.training.rounds import Round
from deepusps_tf.training.step_count import StepCount
from deepusps_tf.training.tensorboard import EpochLog
from deepusps_tf.training.trainer import Trainer
from tests.deepusps_tf.fusion.fusing import maps_of


class Told:
    """Keeps what a job tells."""

    def __init__(self):
        self.events = []

    def show(self, view):
        pass

    def tell(self, event):
        self.events.append(event)

    def close(self):
        pass


@pytest.mark.usefixtures("tiny_network")
def test_an_epoch_ends_with_its_commit_after_all_that_it_publishes(
    tiny_config, disc_photos, monkeypatch
):
    ended = []
    for part in (EpochCommits, NoiseEstimates, Averaging, EpochLog, StepCount):

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
    told = Told()
    with under_way(Job([Stage("joint/round1", "", "", 1, amount=1)], watchers=[told])):
        trainer.train(Round("joint/round1", 0, 0.5, 1e-2, epochs=2), maps_of(config), None)
    # The log is of training alone, before CRFs are waited for; nothing is published half.
    order = ["EpochLog", "StepCount", "Averaging", "NoiseEstimates", "EpochCommits"]
    assert ended == [(epoch, name) for epoch in (0, 1) for name in order]
    # Ten photos in batches of four: all three steps of an epoch are counted when it is told of.
    epochs = [each for each in told.events if each["event"] == "epoch"]
    assert [(each["epoch"], each["epochs"], each["fraction"]) for each in epochs] == [
        (1, 2, pytest.approx(0.5)),
        (2, 2, pytest.approx(1.0)),
    ]
