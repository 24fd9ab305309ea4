import dataclasses
from pathlib import Path

import numpy as np
import pytest

from data_prep.records.format import open_labels
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.labels.moving_average import MovingAverage
from deepusps_tf.training.hand_over import HandOver
from deepusps_tf.training.rounds import Round
from deepusps_tf.training.trainer import Trainer
from tests.deepusps_tf.conftest import (
    tiny_model,
)

SPEC = Round(
    name="rbd/round1",
    number=0,
    threshold=0.3,
    learning_rate=1e-2,
    epochs=2,
)


@pytest.fixture
def run_round(tiny_config, disc_photos):
    """Runs `SPEC` in a workdir of its own; options change the config, the spec or the call."""

    def run(
        workdir: Path,
        *,
        devices="cpu:1",
        pool=None,
        images=disc_photos,
        spec=SPEC,
        makes="averages",
        **changes,
    ):
        config = dataclasses.replace(tiny_config, workdir=str(workdir), **changes)
        labels = [open_labels(f"{config.records}/train/labels/rbd/round0", disc_photos)]
        trainer = Trainer(config, make_strategy(devices), images, beta_squared=1.0, makes=makes)
        return trainer.train(spec, labels, pool)

    return run


def weights_of(result) -> list[np.ndarray]:
    network = tiny_model(backbone="", size=32)
    network.load_weights(result.weights)
    return network.get_weights()


def record_pushes(monkeypatch) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Keeps (index, rgb, probability) of everything handed over."""
    pushed = []
    push = HandOver.push

    def keep(self, index, image, probability):
        rows = zip(index.numpy(), image.numpy(), probability.numpy()[..., 0], strict=True)
        pushed.extend(rows)
        push(self, index, image, probability)

    monkeypatch.setattr(HandOver, "push", keep)
    return pushed


def keep_averages(monkeypatch) -> dict[tuple[Path, int], np.ndarray]:
    """Keeps the averages of (folder, photo) as they are before they are rounded to be stored."""
    kept = {}
    update = MovingAverage.update

    def keep(self, index, refined):
        key = (self.path(0).parent, int(index))
        kept[key] = 0.3 * refined.astype(np.float64) + 0.7 * kept.get(key, 0.0)
        update(self, index, refined)

    monkeypatch.setattr(MovingAverage, "update", keep)
    return kept


def two_methods_maps(config, photos):
    """The label versions that a fusion of both methods learns from."""
    return [
        open_labels(f"{config.records}/train/labels/{method}/round0", photos)
        for method in ("rbd", "mc")
    ]
