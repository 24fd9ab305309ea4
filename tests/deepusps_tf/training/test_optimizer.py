import keras
import numpy as np
import pytest
import tensorflow as tf

from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.training.optimizer import ReleaseAdam

# Of the size of the release's epsilon, above and below.
GRADIENTS = np.array([[1e-9, -1e-8, 3e-7, 0.2], [-2e-9, 4e-8, 1e-7, 0.1], [5e-9, 0, -1e-7, -3]])


def release_updates(rate: float) -> np.ndarray:
    """What PyTorch's Adam adds to weights in each step: lr m^ / (sqrt(v^) + eps)."""
    mean, square, updates = 0.0, 0.0, []
    for step, gradient in enumerate(GRADIENTS, 1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        root = np.sqrt(square / (1 - 0.999**step))
        updates.append(-rate * mean / (1 - 0.9**step) / (root + 1e-8))
    return np.array(updates)


def updates_of(optimizer: keras.optimizers.Optimizer) -> np.ndarray:
    """The same of an optimiser of Keras; weights stay near 0, so that no digit is lost."""
    weights = keras.Variable(np.zeros(4, np.float32))
    optimizer.build([weights])
    step = tf.function(lambda gradient: optimizer.apply([gradient], [weights]))
    made = [np.zeros(4)]
    for gradient in GRADIENTS.astype(np.float32):
        step(tf.constant(gradient))
        made.append(weights.numpy())
    return np.diff(made, axis=0)


def test_the_first_update_by_hand():
    # m^ = g and sqrt(v^) = |g| at the first step: lr |g| / (|g| + 1e-8).
    first = updates_of(ReleaseAdam(1e-3))[0]
    assert first == pytest.approx([-1e-3 / 11, 1e-3 / 2, -1e-3 * 30 / 31, -1e-3], rel=1e-4)


def test_updates_are_those_of_pytorch():
    expected = release_updates(1e-3)
    np.testing.assert_allclose(updates_of(ReleaseAdam(1e-3)), expected, rtol=1e-3)
    for epsilon in (1e-7, 1e-8):  # Keras' own differs in small gradients, as its docstring says
        other = updates_of(keras.optimizers.Adam(1e-3, epsilon=epsilon))
        np.testing.assert_allclose(other[:, 3], expected[:, 3], rtol=1e-3)
        assert (np.abs(other[0, :3]) < 0.8 * np.abs(expected[0, :3]))[:2].all()


def test_state_that_keras_adam_saved_is_read(tmp_path):
    models = [keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]) for _ in range(2)]
    for model, optimizer in zip(models, (keras.optimizers.Adam(1e-2), ReleaseAdam()), strict=True):
        model.compile(optimizer, "mse")
        optimizer.build(model.trainable_variables)
    saved, read = models
    saved.fit(np.ones((8, 3)), np.ones((8, 2)), epochs=3, verbose=0)
    saved.save_weights(tmp_path / "kept.weights.h5")
    read.load_weights(tmp_path / "kept.weights.h5")
    assert int(read.optimizer.iterations) == 3
    for old, new in zip(saved.optimizer.variables, read.optimizer.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_replicas_update_as_one_device():
    strategy = make_strategy("cpu:4")
    with strategy.scope():
        weights, optimizer = keras.Variable(np.zeros(4, np.float32)), ReleaseAdam(1e-3)
        optimizer.build([weights])

    @tf.function
    def step(gradient):
        strategy.run(lambda: optimizer.apply([gradient / 4], [weights]))  # they are added up

    made = [np.zeros(4)]
    for gradient in GRADIENTS.astype(np.float32):
        step(tf.constant(gradient))
        made.append(weights.numpy())
    np.testing.assert_allclose(np.diff(made, axis=0), release_updates(1e-3), rtol=1e-3)


def test_weights_end_as_their_average_over_steps():
    weights = keras.Variable(np.zeros(1, np.float32))
    optimizer = ReleaseAdam(0.1, weight_average=0.5)
    optimizer.build([weights])
    for step in range(3):
        optimizer.apply([tf.constant([1.0])], [weights])  # the same gradient: a step is the rate
        assert weights.numpy() == pytest.approx([-0.1 * (step + 1)], rel=1e-5)
    optimizer.finalize_variable_values([weights])
    # -0.1, then half of it and half of -0.2, then half of that and half of -0.3.
    assert weights.numpy() == pytest.approx([-0.225], rel=1e-5)
