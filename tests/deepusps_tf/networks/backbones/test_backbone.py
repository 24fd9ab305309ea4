import keras
import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones import Backbone
from deepusps_tf.networks.pretrained import load_pretrained
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.settings.parts import BACKBONES


def pooled(*strides):
    """Features that are the photo itself, averaged over squares."""
    return lambda image, factory: tuple(
        keras.layers.AveragePooling2D(s, padding="same")(image) for s in strides
    )


@pytest.fixture
def toy(monkeypatch):
    def enter(**options):
        monkeypatch.setitem(BACKBONES._parts, "toy", Backbone("toy", **options))
        return "toy"

    return enter


def test_one_tensor_of_features_needs_no_tuple(toy):
    build = keras.layers.AveragePooling2D(8, padding="same")
    model = build_model(backbone=toy(build=lambda image, _: build(image), stride=8), size=64)
    assert model.output_shape == (None, 64, 64, 1)


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16, 32])
def test_a_model_of_any_stride_sees_the_whole_photo_in_place(toy, stride):
    model = build_model(backbone=toy(build=pooled(stride), stride=stride), size=64)
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[..., 1] = 1
    model.get_layer("seg").set_weights([kernel, np.zeros(2)])
    for top, left in ((0, 0), (0, 32), (32, 0), (32, 32)):
        photo = np.zeros((1, 64, 64, 3), np.float32)
        photo[:, top : top + 32, left : left + 32] = 255
        salient = np.asarray(model(photo))[0, ..., 0] > 0.5
        assert salient.shape == (64, 64)
        inside = np.zeros((64, 64), bool)
        inside[top : top + 32, left : left + 32] = True
        # Zeros from outside the photo dim half a step along its edges.
        inner = slice(stride // 2, 64 - stride // 2)
        assert (salient == inside)[inner, inner].mean() > 0.9
        assert salient[top : top + 32, left : left + 32].mean() > 0.5
        assert model.name == "toy"


@pytest.mark.parametrize("strides", [(8, 16), (4, 8), (4, 16)])
def test_the_skip_head_joins_features_of_any_strides(toy, strides):
    skip, stride = strides
    backbone = toy(build=pooled(skip, stride), head="skip", skip_stride=skip, stride=stride)
    for side in (64, 72):
        model = build_model(backbone=backbone, size=side)
        assert model.output_shape == (None, side, side, 1)
        assert model.get_layer("logits").factor == skip
        photo = np.zeros((1, side, side, 3), np.float32)
        dark = np.asarray(model(photo))
        photo[:, -4:, -4:] = 255
        assert (np.asarray(model(photo)) != dark)[0, -1, -1, 0]


@pytest.mark.parametrize("strides", [(8, 16, 32), (4, 16), (2, 4, 8)])
def test_the_pyramid_joins_features_of_any_strides(toy, strides):
    build, (*finer, stride) = pooled(*strides), strides
    backbone = toy(build=build, head="pyramid", skip_stride=tuple(finer), stride=stride)
    for side in (64, 72):
        model = build_model(backbone=backbone, size=side)
        assert model.output_shape == (None, side, side, 1)
        assert model.get_layer("logits").factor == finer[0]
        photo = np.zeros((1, side, side, 3), np.float32)
        dark = np.asarray(model(photo))
        photo[:, -4:, -4:] = 255
        assert (np.asarray(model(photo)) != dark)[0, -1, -1, 0]


@pytest.mark.parametrize("size", [64, (64, 96), None])
def test_a_backbone_that_lies_about_its_stride_is_refused(toy, size):
    message = r"--backbone=toy: declares features of stride 8, but they are .* of a photo of .*x"
    with pytest.raises(InputError, match=message) as caught:
        build_model(backbone=toy(build=pooled(4), stride=8), size=size)
    assert "\n" not in str(caught.value)
    assert build_model(backbone=toy(build=pooled(4), stride=4), size=size).name == "toy"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"build": pooled(8, 16)}, "gives 2 tensors of features, its linear head takes 1"),
        ({"build": pooled(8), "head": "cubic"}, "no head 'cubic'; one of linear, skip, pyramid"),
        (
            {"build": pooled(4, 16), "head": "skip", "skip_stride": 8, "stride": 16},
            "declares features of stride 8, but they are 16x16 of a photo of 64x64",
        ),
    ],
)
def test_features_that_fit_no_head_are_refused(toy, options, message):
    with pytest.raises(InputError, match=f"--backbone=toy: {message}"):
        build_model(backbone=toy(**options), size=64)


def test_a_network_without_weights_of_its_own_says_so(toy, tmp_path):
    toy(build=pooled(8))
    with pytest.raises(InputError, match="--pretrained=default: toy has no weights of its own"):
        build_model(backbone="toy", size=64, pretrained="default")
    model, network = build_model(backbone="toy", size=64), BACKBONES.find("toy")
    with pytest.raises(InputError, match=r"w\.pth: toy takes no weights of other programs"):
        network.place_weights(model, {}, "w.pth")
    model.save_weights(tmp_path / "toy.weights.h5")
    other = build_model(backbone="toy", size=64, seed=1)
    load_pretrained(other, network, tmp_path / "toy.weights.h5")
    np.testing.assert_array_equal(other.get_layer("seg").kernel, model.get_layer("seg").kernel)
    assert network.block_number("seg") is None


def test_what_is_no_backbone_is_refused():
    with pytest.raises(InputError, match="--backbone=os:sep: is no deepusps_tf.networks.backb"):
        build_model(backbone="os:sep", size=64)


def test_all_backbones_are_listed_and_found():
    assert BACKBONES.names == (
        *("drn_d_22", "drn_d_38", "drn_d_54", "drn_d_105"),
        *("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"),
        *("efficientnet_lite0_fpn", "efficientnet_lite1_fpn", "efficientnet_lite2_fpn"),
        "resnet101",
    )
    assert [BACKBONES.find(name).name for name in BACKBONES.names] == list(BACKBONES.names)


@pytest.mark.parametrize("name", ["my net", "", "net/1", ".net", "netz\u00e4"])
def test_a_name_that_keras_refuses_is_told(name):
    with pytest.raises(InputError, match=r"--backbone: the name .* must consist of letters"):
        Backbone(name, build=pooled(8))
    assert Backbone("my-net_2.1", build=pooled(8)).name == "my-net_2.1"
