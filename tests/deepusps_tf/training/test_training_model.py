import keras
import numpy as np
import tensorflow as tf

from deepusps_tf.labels.pseudo_labels import PseudoLabels
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


def test_pictures_are_those_of_the_epoch():
    sink = PseudoLabels(None, None, None)
    photos, maps = tf.zeros([2, 4, 4, 3]), tf.reshape(tf.linspace(0.0, 1.0, 32), [2, 4, 4, 1])
    sink.on_epoch_begin(0)
    sink.push(tf.constant([0, 1]), photos, maps)
    assert sorted(sink.shown) == [0, 1]
    sink.on_epoch_begin(1)  # in which another worker has photo 0
    sink.push(tf.constant([1, 7]), photos, maps)
    assert sorted(sink.shown) == [1]
    assert np.array_equal(sink.shown[1][1], maps[0, ..., 0])
