import keras
import numpy as np
import pytest
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones.batch_norm import BatchNorm
from deepusps_tf.networks.losses import LabelLoss
from deepusps_tf.networks.pretrained import load_pretrained
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.settings.parts import BACKBONES
from tests.deepusps_tf.networks import shallow

LITE = "efficientnet_lite0"

# Keras 3.15 reads its own variables this way when it saves them.
ignores_keras_copy = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)


def _image(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def _same(a, b):
    for left, right in zip(a, b, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("training", [True, False])
def test_fused_batch_norm_is_kerass(training):
    x = np.random.default_rng(3).normal(2, 3, (4, 5, 6, 7)).astype(np.float32)
    ours, theirs = (
        kind(momentum=0.8, epsilon=1e-3) for kind in (BatchNorm, keras.layers.BatchNormalization)
    )
    results = []
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.set_weights(np.random.default_rng(4).uniform(0.5, 2, (4, 7)))
        with tf.GradientTape() as tape:
            y = layer(x, training=training)
            loss = tf.reduce_sum(y**3)
        results.append([y, *tape.gradient(loss, layer.trainable_variables), *layer.get_weights()])
    for left, right in zip(*results, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-4)


def test_a_frozen_batch_norm_keeps_its_statistics():
    layer = BatchNorm()
    layer.trainable = False
    x = np.full((1, 2, 2, 3), 5.0, np.float32)
    np.testing.assert_allclose(layer(x, training=True), x / np.sqrt(1.001), rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))


@pytest.mark.slow
@pytest.mark.parametrize("backbone", [shallow.LITE, shallow.DRN])
def test_any_size_and_the_same_figures_at_a_fixed_one(backbone):
    free, fixed = (
        build_model(backbone=backbone, size=None),
        build_model(backbone=backbone, size=(72, 96)),
    )
    image = _image(2, 72, 96, 3)
    expected = np.asarray(fixed(image))
    assert fixed.output_shape == (None, 72, 96, 1)
    assert expected.shape == (2, 72, 96, 1)
    assert expected.dtype == np.float32
    assert 0 <= expected.min() <= expected.max() <= 1
    np.testing.assert_allclose(free.predict(image, verbose=0), expected, atol=1e-5)
    odd = _image(1, 61, 83, 3)  # no multiple of the strides, and a second size in the same graph
    assert free.predict(odd, verbose=0).shape == (1, 61, 83, 1)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", [shallow.LITE, shallow.DRN])
def test_training_lowers_the_loss_and_changes_every_weight(backbone):
    model = build_model(backbone=backbone, size=32)
    before = model.get_weights()
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # or the step would be traced twice
    image = _image(4, 32, 32, 3)
    truth = np.zeros((4, 32, 32, 1), np.float32)
    truth[:, 8:24, 8:24] = 1.0
    losses = [float(model.train_on_batch(image, truth)) for _ in range(6)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.7 * losses[0]
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(changed)


@pytest.mark.slow
@ignores_keras_copy
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_save_and_reload(suffix, tmp_path):
    model = build_model(backbone=LITE, size=64, seed=1)
    model(_image(2, 64, 64, 3), training=True)  # moves the BatchNorm statistics
    path = tmp_path / f"model{suffix}"
    (model.save if suffix == ".keras" else model.save_weights)(path)
    image = _image(1, 64, 64, 3)
    expected = np.asarray(model(image))
    other = build_model(backbone=LITE, size=64, seed=2, pretrained=path)
    np.testing.assert_array_equal(np.asarray(other(image)), expected)
    if suffix == ".keras":
        np.testing.assert_array_equal(np.asarray(keras.saving.load_model(path)(image)), expected)


def test_the_seed_decides_the_weights():
    one, same, other = (build_model(backbone=LITE, size=32, seed=seed) for seed in (1, 1, 2))
    _same(one.get_weights(), same.get_weights())
    assert not np.array_equal(one.get_layer("seg").kernel, other.get_layer("seg").kernel)
    assert not np.array_equal(
        one.get_layer("blocks.12.expand_conv").kernel, one.get_layer("blocks.13.expand_conv").kernel
    )


def test_drns_head_starts_as_its_release_does():
    head = build_model(backbone="drn_d_22", size=64).get_layer("seg")
    assert np.asarray(head.kernel).std() == pytest.approx(1.0, abs=0.1)  # sqrt(2 / (1 * 1 * 2))
    np.testing.assert_array_equal(head.bias, [0, 0])


def test_the_skip_head_starts_unsaturated():
    probability = np.asarray(
        build_model(backbone=LITE, size=64)(_image(4, 64, 64, 3), training=True)
    )
    assert 0.3 < probability.mean() < 0.7
    assert 0.02 < probability.min() < probability.max() < 0.98


@pytest.mark.slow
@ignores_keras_copy
@pytest.mark.parametrize("backbone", [shallow.LITE, shallow.DRN])
def test_bfloat16_learns_in_float32_weights_that_fit_either_network(backbone, tmp_path):
    whole, mixed = (
        build_model(backbone=backbone, size=32, precision=precision)
        for precision in ("float32", "mixed_bfloat16")
    )
    assert keras.config.dtype_policy().name == "float32"
    assert mixed.get_layer("seg").compute_dtype == "bfloat16"
    mixed.compile(
        keras.optimizers.SGD(0.01), LabelLoss(beta_squared=1.0, threshold=0.5), jit_compile=False
    )
    image, label = _image(2, 32, 32, 3), _image(2, 32, 32, 1, seed=1) / 255
    before = mixed.get_weights()
    assert 0 < float(mixed.train_on_batch(image, label)) < 1
    assert {weight.dtype for weight in mixed.get_weights()} == {np.dtype("float32")}
    assert all(not np.array_equal(a, b) for a, b in zip(before, mixed.get_weights(), strict=True))
    mixed.save_weights(tmp_path / "mixed.weights.h5")
    whole.load_weights(tmp_path / "mixed.weights.h5")
    exact, rough = np.asarray(whole(image)), np.asarray(mixed(image))
    assert rough.dtype == np.float32
    assert 0 < np.abs(exact - rough).mean() < 0.03


def test_momentum_and_synchronisation_reach_every_batch_norm():
    model = build_model(backbone=LITE, size=32, batchnorm_momentum=0.7, synchronized=True)
    norms = [layer for layer in model.layers if isinstance(layer, BatchNorm)]
    assert len(norms) == 48 + 3  # the network's without its top, the decoder's
    assert all(norm.momentum == 0.7 and norm.synchronized for norm in norms)


@ignores_keras_copy
def test_wrong_names_and_files_are_one_line(tmp_path):
    with pytest.raises(InputError, match="--backbone=vgg: unknown; choose from drn_d_22, "):
        build_model(backbone="vgg", size=32)
    model = build_model(backbone=LITE, size=32)
    with pytest.raises(InputError, match=r"none\.pth: no such file"):
        load_pretrained(model, BACKBONES.find(LITE), tmp_path / "none.pth")
    other = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(other)
    with pytest.raises(InputError, match="does not fit efficientnet_lite0") as error:
        load_pretrained(model, BACKBONES.find(LITE), other)
    assert "\n" not in str(error.value)
