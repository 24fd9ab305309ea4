import keras
import numpy as np
import pytest
import tensorflow as tf

from deepusps_tf.networks.backbones import dilated_conv
from deepusps_tf.networks.backbones.dilated_conv import DilatedConv2D


def _value_and_gradients(layer, x):
    @tf.function
    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(y**3)
        return [y, *tape.gradient(loss, [x, *layer.trainable_variables])]

    return compute(tf.constant(x))


@pytest.mark.parametrize("has_gradients", [True, False])
@pytest.mark.parametrize(("dilation", "padding"), [(2, "same"), (4, "same"), (2, "valid")])
def test_value_and_gradients_are_kerass(dilation, padding, has_gradients, monkeypatch):
    if not has_gradients:
        monkeypatch.setattr(dilated_conv, "_has_dilated_gradients", lambda dtype: False)
    x = np.random.default_rng(0).normal(size=(2, 13, 11, 5)).astype(np.float32)
    settings = {"dilation_rate": dilation, "padding": padding, "bias_initializer": "ones"}
    ours, theirs = (kind(7, 3, **settings) for kind in (DilatedConv2D, keras.layers.Conv2D))
    ours.build(x.shape)
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    results = (_value_and_gradients(layer, x) for layer in (ours, theirs))
    for left, right in zip(*results, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-3)


def test_kernels_without_the_gradient_are_noticed(monkeypatch):
    def unsupported(**_):
        raise tf.errors.InvalidArgumentError(None, None, "no dilation rates larger than 1")

    monkeypatch.setattr(tf.raw_ops, "Conv2DBackpropFilter", unsupported)
    assert not dilated_conv._has_dilated_gradients.__wrapped__("float32")
