import keras
import tensorflow as tf

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
