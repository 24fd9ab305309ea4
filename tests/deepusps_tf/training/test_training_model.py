import keras
import numpy as np
import tensorflow as tf

from deepusps_tf.networks.losses import LabelLoss
from deepusps_tf.training.hand_over import HandOver
from deepusps_tf.training.training_model import TrainingModel


def test_step_over_workers_is_made_once_for_all_rounds(monkeypatch):
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 1)])
    model = TrainingModel(network)
    model.compile(loss="mse", optimizer="sgd")
    monkeypatch.setattr(
        tf.distribute, "MultiWorkerMirroredStrategy", type(model.distribute_strategy)
    )
    model.make_train_function()
    step = model.train_function
    model.make_train_function()
    assert model.train_function is step
    model.make_train_function(force=True)
    assert model.train_function is not step


def test_labels_that_do_not_count_change_neither_loss_nor_gradient():
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 1)])
    model = TrainingModel(network)
    model.compile(loss=LabelLoss(beta_squared=1.0, threshold=0.5), jit_compile=False)
    model.hand_over = HandOver([])
    drawn = np.random.default_rng(0).uniform(size=(2, 8, 8, 5)).astype(np.float32)
    labels, prediction, image = drawn[..., :1], tf.constant(drawn[..., 1:2]), drawn[..., 2:]
    counted = np.zeros((2, 8, 8, 1), np.float32)
    counted[:, 2:6, 2:6] = 1
    inputs = {"index": np.arange(2), "image": image, "mirrored": np.zeros(2, np.int32)}

    def loss_and_gradient(labels, **more):
        with tf.GradientTape() as tape:
            tape.watch(prediction)
            loss = model.compute_loss({**inputs, **more}, tf.constant(labels), prediction)
        return loss.numpy(), tape.gradient(loss, prediction).numpy()

    loss, gradient = loss_and_gradient(labels, counted=counted)
    other = np.where(counted == 1, labels, 1 - labels)
    assert loss_and_gradient(other, counted=counted)[0] == loss
    assert not gradient[counted == 0].any() and gradient[counted == 1].any()
    assert loss_and_gradient(other)[0] != loss_and_gradient(labels)[0]
