import keras
import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.networks.losses import LabelLoss, f_beta, find_loss


def loss_of(label, prediction, *, beta_squared=1.0, threshold=0.5):
    shape = (1, 1, -1, 1)
    loss = LabelLoss(beta_squared=beta_squared, threshold=threshold, reduction="none")
    return float(loss(np.float32(label).reshape(shape), np.float32(prediction).reshape(shape))[0])


@pytest.mark.parametrize("beta_squared", [1.0, 4.0])
def test_hand_computed(beta_squared):
    # Labels 1, .6, .4, 0 -> targets 1, 1, 0, 0; no prediction is beyond its label.
    prediction = [0.5, 0.25, 0.5, 0.25]
    precision, recall = 0.75 / 1.5, 0.75 / 2
    f_beta = (1 + beta_squared) * precision * recall / (beta_squared * precision + recall)
    loss = loss_of([1, 0.6, 0.4, 0], prediction, beta_squared=beta_squared)
    assert loss == pytest.approx(1 - f_beta, abs=2e-5)


def test_confident_pixels_count_as_right():
    # .7 lies beyond its label .6 and .1 below its label .4: both become their targets.
    loss = loss_of([0.6, 0.4], [0.7, 0.1])
    assert loss == pytest.approx(0, abs=2e-5)


def test_confident_pixels_carry_no_gradient():
    label = tf.reshape(tf.constant([0.6, 0.6, 0.4, 0.4]), (1, 1, 4, 1))
    prediction = tf.Variable(tf.reshape([0.7, 0.5, 0.1, 0.5], (1, 1, 4, 1)))
    with tf.GradientTape() as tape:
        loss = LabelLoss(beta_squared=1.0, threshold=0.5)(label, prediction)
    gradient = tape.gradient(loss, prediction).numpy().ravel()
    assert gradient[0] == 0 and gradient[2] == 0
    assert gradient[1] < 0 < gradient[3]


def test_label_sets_are_averaged():
    labels = np.float32([[[[1, 0]], [[0, 0]]]])
    prediction = np.float32([[[[0.8]], [[0.4]]]])
    loss = LabelLoss(beta_squared=1.0, threshold=0.5, reduction="none")
    first = loss(labels[..., :1], prediction)[0]
    second = loss(labels[..., 1:], prediction)[0]
    assert float(second) == pytest.approx(1, abs=1e-4)  # nothing is salient: F is 0
    assert float(loss(labels, prediction)[0]) == pytest.approx(float(first + second) / 2, abs=1e-6)


def test_each_label_set_may_have_its_own_threshold():
    labels = np.float32([[[[0.4, 0.4]], [[0.2, 0.2]]]])
    prediction = np.float32([[[[0.3]], [[0.3]]]])
    both = LabelLoss(beta_squared=1.0, threshold=[0.1, 0.3], reduction="none")(labels, prediction)
    alone = [
        LabelLoss(beta_squared=1.0, threshold=cut, reduction="none")(labels[..., :1], prediction)
        for cut in (0.1, 0.3)
    ]
    assert float(both[0]) == pytest.approx(float(alone[0][0] + alone[1][0]) / 2, abs=1e-6)
    assert float(alone[0][0]) != pytest.approx(float(alone[1][0]), abs=0.1)


def test_one_value_an_image_so_that_replicas_average_rightly():
    random = np.random.default_rng(0)
    labels = random.random((3, 4, 5, 2), np.float32)
    prediction = random.random((3, 4, 5, 1), np.float32)
    loss = LabelLoss(beta_squared=1.0, threshold=0.4)
    values = loss.call(labels, prediction)
    assert values.shape == (3,)
    assert float(loss(labels, prediction)) == pytest.approx(float(np.mean(values)), abs=1e-6)


def test_empty_label_and_prediction_are_finite():
    assert loss_of([0, 0], [0, 0]) == pytest.approx(1, abs=1e-4)


def test_config_round_trip():
    loss = LabelLoss(beta_squared=4.0, threshold=0.31)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.beta_squared == 4.0
    assert float(again.threshold) == pytest.approx(0.31)
    loss = LabelLoss(beta_squared=1.0, threshold=[0.25, 0.5])
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.threshold.numpy().tolist() == [0.25, 0.5]


def test_losses_are_found_by_name():
    assert find_loss("f_beta") is f_beta


def total(labels, prediction, **_):
    return keras.ops.mean(keras.ops.abs(labels - prediction))


def bare(labels, prediction):
    return labels - prediction


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            f"{__name__}:bare",
            r"fails \(TypeError: bare\(\) got an unexpected .*; it is called as loss",
        ),
        ("mae", "--loss=mae: unknown; choose from f_beta, or write package.module:name"),
        (f"{__name__}:total", r"gave values of shape \(\) for 2 photos with 3 label sets"),
        ("deepusps_tf.networks.losses:EPSILON", "EPSILON: not a function"),
        ("nowhere:loss", "no module nowhere"),
    ],
)
def test_losses_that_cannot_be_used_are_refused_in_one_line(name, message):
    with pytest.raises(InputError, match=message) as caught:
        find_loss(name)
    assert "\n" not in str(caught.value)
