import pathlib

import keras
import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones import drn
from deepusps_tf.networks.backbones.layers import LayerFactory
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.settings.parts import BACKBONES

GOLDEN = pathlib.Path(__file__).parents[5] / "shared" / "data" / "golden"
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="shared/data/golden is not here")

PARAMETERS = {
    "drn_d_22": 15_880_752,
    "drn_d_38": 25_988_912,
    "drn_d_54": 35_296_176,
    "drn_d_105": 54_288_304,
}


def rule_value(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The golden weights' rule, see the data folder's README."""
    count = int(np.prod(shape))
    base = np.sin(0.7311 * np.arange(count) + sum(map(ord, name)))
    if name.endswith("running_var"):
        value = 1 + 0.5 * base
    elif name.endswith("running_mean") or (len(shape) == 1 and name.endswith("bias")):
        value = 0.1 * base
    elif len(shape) == 1:
        value = 1 + 0.25 * base
    else:
        value = base * np.sqrt(2 / np.prod(shape[1:])) * 1.2
    return value.astype(np.float32).reshape(shape)


def rule_state(variant: str) -> dict[str, np.ndarray]:
    state = {}
    for line in (GOLDEN / f"{variant}.tsv").read_text().splitlines():
        name, _, text = line.partition("\t")
        shape = tuple(int(side) for side in text.split("x")) if text else ()
        state[name] = rule_value(name, shape) if shape else np.zeros((), np.int64)
    return state


def _place(model, state):
    return BACKBONES.find(model.name).place(model, state, "w.pth")


@needs_golden
@pytest.mark.slow
@pytest.mark.parametrize("variant", ["drn_d_22", "drn_d_54"])
def test_logits_and_features_are_pytorchs(variant):
    golden = np.load(GOLDEN / f"{variant}.npz")
    model = build_model(backbone=variant, size=None)
    assert _place(model, rule_state(variant)) == ["up.weight"]
    inner = keras.Model(
        model.input,
        [model.get_layer("logits").output, model.get_layer("seg").input, model.output],
    )
    normalised = golden["image_nchw"].transpose(0, 2, 3, 1)
    image = normalised * np.array(drn.STD) + drn.MEAN
    logits, features, probability = (np.asarray(y) for y in inner(image.astype(np.float32)))
    expected = golden["logits_nchw"].transpose(0, 2, 3, 1)[..., ::-1]  # the first is salient there
    assert np.abs(logits - expected).max() < 1e-3 * np.abs(expected).max()
    sampled = golden["features_nchw"].transpose(0, 2, 3, 1)
    assert np.abs(features[..., ::16] - sampled).max() < 1e-3 * np.abs(sampled).max()
    softmax = 1 / (1 + np.exp(expected[..., :1] - expected[..., 1:]))
    np.testing.assert_allclose(probability, softmax, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("variant", PARAMETERS)
def test_parameter_count(variant):
    image = keras.Input((64, 64, 3))
    (features,) = drn.features(image, LayerFactory(), variant=variant)
    model = keras.Model(image, features)
    assert features.shape == (None, 8, 8, 512)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == PARAMETERS[variant]


@pytest.fixture(scope="module")
def dilated_and_undilated():
    """The feature network, and one of the same weights whose convolutions are not dilated."""
    image = keras.Input((None, None, 3))
    factory = LayerFactory()
    dilated = keras.Model(image, drn.features(image, factory, variant="drn_d_22"))
    undilated = keras.models.clone_model(dilated, clone_function=_without_dilation)
    undilated.set_weights(dilated.get_weights())
    return dilated, undilated


def _without_dilation(layer):
    config = layer.get_config()
    return type(layer).from_config(
        config | ({"dilation_rate": 1} if "dilation_rate" in config else {})
    )


@pytest.mark.parametrize(
    ("first", "after", "dilation"),
    [("layer5.0.conv1", "layer6.0.conv1", 2), ("layer6.0.conv1", "layer7.0", 4)],
)
def test_dilated_stages_are_undilated_ones_on_every_nth_pixel(
    first, after, dilation, dilated_and_undilated
):
    fine, coarse = (
        keras.Model(network.get_layer(first).input, network.get_layer(after).input)
        for network in dilated_and_undilated
    )
    shape = (1, 12, 20, fine.input.shape[-1])
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = np.asarray(fine(x))
    assert expected.std() > 0.1
    for row, column in ((0, 0), (1, dilation - 1)):
        part = np.asarray(coarse(x[:, row::dilation, column::dilation]))
        there = expected[:, row::dilation, column::dilation]
        assert np.abs(part - there).max() < 1e-5 * np.abs(expected).max()


@pytest.fixture(scope="module")
def model():
    return build_model(backbone="drn_d_22", size=None)


def _state_of(model) -> dict[str, np.ndarray]:
    """A checkpoint of made-up values with the model's tensors, in PyTorch's names and layout."""
    state = {}
    for layer in model.layers:
        if not layer.name.startswith("layer"):
            continue
        base = "base." + layer.name.removeprefix("layer")
        if isinstance(layer, keras.layers.BatchNormalization):
            for suffix in ("weight", "bias", "running_mean", "running_var"):
                name = f"{base}.{suffix}"
                state[name] = rule_value(name, tuple(layer.gamma.shape))
            state[f"{base}.num_batches_tracked"] = np.zeros((), np.int64)
        else:
            height, width, inputs, outputs = layer.kernel.shape
            state[f"{base}.weight"] = rule_value(base, (outputs, inputs, height, width))
    return state


def test_every_tensor_is_placed_once(model):
    state = _state_of(model)
    # The name counts the head's convolution, which is not here, but not the four shortcuts'.
    assert sum(value.ndim == 4 for value in state.values()) == 22 - 1 + 4
    assert _place(model, state) == []
    placed = model.get_layer("layer4.0.downsample.0").kernel
    expected = state["base.4.0.downsample.0.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(np.asarray(placed), expected)
    norm = model.get_layer("layer8.1")
    for variable, suffix in (
        (norm.gamma, "weight"),
        (norm.beta, "bias"),
        (norm.moving_mean, "running_mean"),
        (norm.moving_variance, "running_var"),
    ):
        np.testing.assert_array_equal(np.asarray(variable), state[f"base.8.1.{suffix}"])


@pytest.mark.parametrize("prefix", ["base.", "layer", ""])
def test_the_three_namings_and_the_heads_left_out(model, prefix):
    state = {prefix + name.removeprefix("base."): v for name, v in _state_of(model).items()}
    heads = {
        "base.": {"seg.weight": (19, 512, 1, 1), "seg.bias": (19,), "up.weight": (19, 1, 16, 16)},
        "layer": {"fc.weight": (1000, 512, 1, 1), "fc.bias": (1000,)},
        "": {"10.weight": (1000, 512, 1, 1), "10.bias": (1000,)},
    }[prefix]
    state |= {name: np.zeros(shape, np.float32) for name, shape in heads.items()}
    assert _place(model, state) == list(heads)


def test_a_two_class_head_is_the_releases_whose_first_class_is_salient(model):
    head = np.arange(1024, dtype=np.float32).reshape(2, 512, 1, 1)
    state = _state_of(model) | {"seg.weight": head, "seg.bias": np.float32([3, 4])}
    assert _place(model, state) == []
    background, salient = np.asarray(model.get_layer("seg").kernel)[0, 0].T
    np.testing.assert_array_equal(salient, head[0, :, 0, 0])
    np.testing.assert_array_equal(background, head[1, :, 0, 0])
    np.testing.assert_array_equal(np.asarray(model.get_layer("seg").bias), [4, 3])


def test_another_networks_file_is_refused_and_changes_nothing(model):
    before = np.asarray(model.get_layer("layer0.0").kernel).copy()
    good = {name: value + 1 for name, value in _state_of(model).items()}
    deeper = good | {"base.3.2.conv1.weight": np.zeros((64, 64, 3, 3), np.float32)}
    shallower = {name: v for name, v in good.items() if not name.startswith("base.6.1")}
    wider = good | {"base.7.0.weight": np.zeros((512, 2048, 3, 3), np.float32)}
    for state, message in (
        (shallower, r"no tensor layer6\.1\.conv1\.weight"),
        (wider, r"layer7\.0\.weight has shape \(512, 2048, 3, 3\)"),
        (good | {"0.0.weight": good["base.0.0.weight"]}, "two names"),
        (deeper, r"no layer takes tensor layer3\.2\.conv1\.weight"),
    ):
        with pytest.raises(InputError, match=message) as error:
            _place(model, state)
        assert str(error.value).startswith("w.pth as drn_d_22")
        assert "\n" not in str(error.value)
        np.testing.assert_array_equal(np.asarray(model.get_layer("layer0.0").kernel), before)


def test_default_weights_ask_for_a_path():
    with pytest.raises(InputError, match="give the path"):
        build_model(backbone="drn_d_22", size=64, pretrained="default")
