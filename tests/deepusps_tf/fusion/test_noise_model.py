import dataclasses

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from deepusps_tf.data.batches import DUPLICATE
from deepusps_tf.fusion.noise_model import (
    FLOOR,
    START,
    LabelNoise,
    NoiseLikelihood,
    mean_squared_residuals,
)
from tests.deepusps_tf.conftest import stop_after_an_epoch
from tests.deepusps_tf.fusion.fusing import fuse, same
from tests.deepusps_tf.thread_workers import as_workers


@pytest.fixture
def noise():
    layer = LabelNoise(photos=3, methods=2)
    layer.build()
    return layer


def pushed(noise, index, squares):
    noise.push(tf.constant(index), tf.constant(squares, tf.float32))


def test_likelihood_by_hand(noise):
    # One photo of two pixels, labels .5 and 1 of two methods, variances .25 and 1.
    noise.variance.assign([[1, 1], [0.25, 1], [1, 1]])
    labels = tf.constant([[[[0.5, 1.0], [0.5, 1.0]]]])
    prediction = tf.constant([[[[0.0], [1.0]]]])
    loss = NoiseLikelihood(reduction="none")(noise.beside(labels, tf.constant([1])), prediction)
    # Method 1: residuals .5, -.5; method 2: 1, 0.
    expected = (2 * (0.25 / 0.25 + np.log(0.25)) + (1 / 1 + 0) + 0) / 4 / 2
    assert loss.numpy() == pytest.approx([expected], abs=1e-6)


def test_residuals_by_hand():
    labels = tf.constant([[[[0.5, 1.0], [0.5, 1.0]]]])
    prediction = tf.constant([[[[0.0], [1.0]]]])
    assert mean_squared_residuals(labels, prediction).numpy().tolist() == [[0.25, 0.5]]


def test_variance_is_the_mean_squared_residual_above_the_floor(noise):
    assert np.all(noise.variance.numpy() == np.float32(START))
    pushed(noise, [2, 0], [[0.2, 0.3], [0.001, 0.5]])
    pushed(noise, [1, DUPLICATE], [[0.4, 0.6], [9.0, 9.0]])
    noise.estimate()
    expected = [[FLOOR, 0.5], [0.4, 0.6], [0.2, 0.3]]
    assert noise.variance.numpy() == pytest.approx(np.float32(expected))
    with pytest.raises(RuntimeError, match="no residuals of 3 photos, photo 0 first"):
        noise.estimate()


def test_workers_estimate_from_the_residuals_of_all():
    rows = [([2, 0], [[0.2, 0.3], [0.001, 0.5]]), ([1, DUPLICATE], [[0.4, 0.6], [9.0, 9.0]])]

    def worker(workers):
        noise = LabelNoise(3, 2)
        noise.build()
        pushed(noise, *rows[workers.number])
        noise.estimate(workers)
        with pytest.raises(RuntimeError, match="no residuals of 3 photos"):
            noise.estimate(workers)
        return noise.variance.numpy()

    expected = [[FLOOR, 0.5], [0.4, 0.6], [0.2, 0.3]]
    for variance in as_workers(2, worker):
        assert variance == pytest.approx(np.float32(expected))


def test_variance_is_where_the_loss_is_smallest(noise):
    random = np.random.default_rng(0)
    labels = tf.constant(random.random((1, 8, 8, 2), np.float32))
    prediction = tf.constant(random.random((1, 8, 8, 1), np.float32))
    pushed(noise, [0, 1, 2], np.repeat(mean_squared_residuals(labels, prediction), 3, axis=0))
    noise.estimate()
    best = noise.variance.numpy()

    def loss(scale):
        noise.variance.assign(best * scale)
        return float(NoiseLikelihood()(noise.beside(labels, tf.constant([0])), prediction))

    assert loss(1.0) < min(loss(0.9), loss(1.1), loss(np.float32([0.9, 1.1])))


def test_duplicates_get_the_mean_of_all_photos(noise):
    noise.variance.assign([[0.1, 0.4], [0.2, 0.5], [0.6, 0.6]])
    both = noise.beside(tf.zeros([2, 1, 1, 2]), tf.constant([DUPLICATE, 2]))
    assert both.numpy()[0, 0, 0] == pytest.approx([0, 0, 0.3, 0.5])
    assert both.numpy()[1, 0, 0] == pytest.approx([0, 0, 0.6, 0.6])


def test_restart_forgets(noise):
    pushed(noise, [0, 1, 2], np.full((3, 2), 0.5))
    noise.estimate()
    noise.restart()
    assert np.all(noise.variance.numpy() == np.float32(START))


def test_noisier_labels_count_less(noise):
    # Two labels of one pixel, 0 and 1: the best prediction is their mean weighted by 1 / variance.
    noise.variance.assign([[0.1, 0.3]] * 3)
    prediction = keras.Variable([[[[0.2]]]])
    labels = noise.beside(tf.constant([[[[0.0, 1.0]]]]), tf.constant([0]))

    def slope(value):
        prediction.assign([[[[value]]]])
        with tf.GradientTape() as tape:
            loss = NoiseLikelihood()(labels, prediction.value)
        return float(tf.squeeze(tape.gradient(loss, prediction.value)))

    assert slope(0.25) == pytest.approx(0, abs=1e-6)
    assert slope(0.2) < 0 < slope(0.3)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network")
def test_stopped_noise_model_ends_like_one_that_was_not(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="noise_model")
    whole = fuse(config, workdir=str(tmp_path / "whole"))
    stopped = dataclasses.replace(config, workdir=str(tmp_path / "stopped"))
    stop_after_an_epoch(monkeypatch, lambda: fuse(stopped))
    assert same(fuse(stopped), whole)


@pytest.mark.usefixtures("tiny_network")
def test_noise_is_committed_with_the_weights(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="noise_model")
    stop_after_an_epoch(monkeypatch, lambda: fuse(config))
    path = tmp_path / "run/fusion/checkpoints/epoch-0001/model.weights.h5"
    with h5py.File(path) as file:
        variance = file["layers/label_noise/vars/0"][:]
    assert variance.shape == (10, 2)
    assert len(np.unique(variance)) > 10 and 0.01 <= variance.min() < variance.max() < 1


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network")
def test_noise_of_four_devices_is_that_of_one(tiny_config, tmp_path):
    one = fuse(tiny_config, fusion="noise_model", workdir=str(tmp_path / "one"))
    four = fuse(tiny_config, fusion="noise_model", workdir=str(tmp_path / "four"), devices="cpu:4")
    for alone, mirrored in zip(one, four, strict=True):
        assert np.abs(alone - mirrored).max() < 1e-4
