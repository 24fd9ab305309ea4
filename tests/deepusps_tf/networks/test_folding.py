import keras
import numpy as np
import pytest

from deepusps_tf.networks.folding import copy_folded, inference_twin
from deepusps_tf.networks.pretrained import load_pretrained
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.settings.parts import BACKBONES
from tests.deepusps_tf.conftest import tiny_model
from tests.deepusps_tf.networks.shallow import DRN, LITE, RESNET


def draw_batch_norms(network: keras.Model) -> None:
    """Gives every BatchNorm statistics and scales that differ from channel to channel."""
    random = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            channels = layer.gamma.shape
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, channels),
                    random.normal(0, 0.1, channels),
                    random.normal(0, 0.1, channels),
                    random.uniform(0.5, 1.5, channels),
                ]
            )


@pytest.fixture
def photos():
    return np.random.default_rng(1).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)


def test_folding_by_hand():
    image = keras.Input((1, 1, 1))
    x = keras.layers.Conv2D(1, 1, name="conv")(image)
    network = keras.Model(image, keras.layers.BatchNormalization(epsilon=1.0, name="norm")(x))
    network.get_layer("conv").set_weights([np.full((1, 1, 1, 1), 5.0), np.array([7.0])])
    network.get_layer("norm").set_weights(np.array([[6.0], [0.5], [4.0], [8.0]]))
    twin = inference_twin(network)
    kernel, bias = twin.get_layer("conv").get_weights()
    # 6 (5 x + 7 - 4) / sqrt(8 + 1) + 0.5
    assert kernel.item() == pytest.approx(10) and bias.item() == pytest.approx(6.5)
    assert [layer.name for layer in twin.layers][1:] == ["conv"]


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", DRN, RESNET])
def test_twins_of_all_families_predict_alike(backbone, photos):
    network = build_model(backbone=backbone, size=64)
    if backbone == "efficientnet_lite0":
        load_pretrained(network, BACKBONES.find(backbone), "default")
    else:
        draw_batch_norms(network)
    twin = inference_twin(network)
    expected, output = network.predict_on_batch(photos), twin.predict_on_batch(photos)
    assert np.abs(expected - output).max() < 1e-4
    kinds = {type(layer) for layer in twin.layers}
    assert not any(issubclass(kind, keras.layers.BatchNormalization) for kind in kinds)


@pytest.mark.slow
def test_twin_of_a_trained_network_is_equal_to_1e_5(photos):
    network = build_model(backbone=LITE, size=64)
    network.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", jit_compile=False)
    network.optimizer.build(network.trainable_variables)  # or the step would be traced twice
    truth = (photos[..., :1] > 127).astype(np.float32)
    for _ in range(3):
        network.train_on_batch(photos, truth)
    output = inference_twin(network).predict_on_batch(photos)
    assert np.ptp(output) > 0.1
    assert np.abs(network.predict_on_batch(photos) - output).max() < 1e-5


def test_twin_follows_its_network_when_told_to():
    network = tiny_model(backbone="", size=8)
    twin = inference_twin(network)
    photos = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype(np.float32)
    before = twin.predict_on_batch(photos)
    draw_batch_norms(network)
    assert np.array_equal(twin.predict_on_batch(photos), before)
    copy_folded(network, twin)
    after = twin.predict_on_batch(photos)
    assert np.abs(after - network.predict_on_batch(photos)).max() < 1e-6
    assert np.abs(after - before).max() > 1e-3


def test_what_cannot_be_folded_stays(photos):
    image = keras.Input((64, 64, 3))
    x = keras.layers.BatchNormalization(name="of.the.photo")(image)
    bent = keras.layers.Conv2D(4, 3, activation="relu", name="bent")(x)
    bent = keras.layers.BatchNormalization(name="behind.relu")(bent)
    shared = keras.layers.Conv2D(4, 3, name="shared")(x)
    own = keras.layers.BatchNormalization(name="one.of.two")(shared)
    x = keras.layers.Add()([bent, shared, own])
    x = keras.layers.BatchNormalization(name="of.a.sum")(x)
    x = keras.layers.SeparableConv2D(4, 3, name="separable")(x)
    x = keras.layers.BatchNormalization(name="behind.separable")(x)
    plain = keras.layers.Conv2D(4, 3, name="plain")(x)
    plain = keras.layers.BatchNormalization(scale=False, name="without.scale")(plain)
    network = keras.Model(image, plain)
    for layer in network.layers:
        if layer.name.startswith(("of", "behind", "one")):
            layer.set_weights([w + 0.5 * n for n, w in enumerate(layer.get_weights())])
    twin = inference_twin(network)
    np.testing.assert_array_equal(twin.predict_on_batch(photos), network.predict_on_batch(photos))
    assert len(twin.layers) == len(network.layers)
