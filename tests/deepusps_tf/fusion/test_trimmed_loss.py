import dataclasses

import keras
import numpy as np
import pytest

from deepusps_tf.fusion.trimmed_loss import without_worst_third
from deepusps_tf.networks.losses import LabelLoss, f_beta
from tests.deepusps_tf.fusion.fusing import fuse, learned, same


def test_all_labels_are_learned(tiny_config):
    config = dataclasses.replace(tiny_config, fusion="trimmed_loss")
    assert learned(config) == learned(tiny_config)


@pytest.mark.usefixtures("tiny_network")
def test_trimming_changes_what_three_versions_teach_and_not_two(tiny_config, tmp_path):
    weights = {}
    for versions in (("rbd", "mc"), ("rbd", "mc", "rbd")):
        for fusion in ("mean_loss", "trimmed_loss"):
            workdir = str(tmp_path / f"{fusion}{len(versions)}")
            trained = fuse(tiny_config, versions, fusion=fusion, workdir=workdir)
            weights[fusion, len(versions)] = trained
    assert same(weights["trimmed_loss", 2], weights["mean_loss", 2])
    assert not same(weights["trimmed_loss", 3], weights["mean_loss", 3])


@pytest.mark.parametrize(("count", "left"), [(1, 1), (2, 2), (3, 2), (4, 3), (6, 4)])
def test_trimming_leaves_out_each_images_worst_third(count, left):
    rng = np.random.default_rng(0)
    labels = rng.uniform(size=(2, 5, 5, count)).astype(np.float32)
    prediction = rng.uniform(size=(2, 5, 5, 1)).astype(np.float32)
    options = {"beta_squared": 1.0, "threshold": 0.5, "reduction": "none"}
    loss = LabelLoss(**options, average=without_worst_third)(labels, prediction).numpy()
    alone = [LabelLoss(**options)(labels[..., [m]], prediction).numpy() for m in range(count)]
    assert loss == pytest.approx(np.sort(alone, axis=0)[:left].mean(axis=0), abs=1e-6)


def test_a_loss_is_built_again_from_its_settings():
    loss = LabelLoss(beta_squared=2.0, threshold=[0.25, 0.5, 0.75], average=without_worst_third)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.loss, again.beta_squared, again.average) == (f_beta, 2.0, without_worst_third)
    assert keras.ops.convert_to_numpy(again.threshold).tolist() == [0.25, 0.5, 0.75]
