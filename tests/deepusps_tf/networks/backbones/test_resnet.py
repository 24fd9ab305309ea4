import h5py
import keras
import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones import resnet
from deepusps_tf.networks.backbones.layers import LayerFactory
from deepusps_tf.networks.backbones.resnet import read_keras_h5
from deepusps_tf.networks.saliency_network import build_model


@pytest.fixture(scope="module")
def application():
    """ResNet-101 of keras.applications with weights that no two layers share."""
    network = keras.applications.ResNet101(include_top=False, weights=None)
    random = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shapes = [weight.shape for weight in layer.get_weights()]
            layer.set_weights([random.uniform(0.4, 0.6, shape) for shape in shapes])
    return network


@pytest.fixture(scope="module")
def weights_file(application, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet101.h5"
    application.save(path)
    return path


def network_of(output_stride, path=None):
    image = keras.Input((64, 96, 3))
    made = resnet.features(image, LayerFactory(), output_stride=output_stride)
    model = keras.Model(image, made)
    if path:
        left_out = resnet.place(model, read_keras_h5(path), "resnet101.h5", variant="resnet101")
        assert left_out == []
    return model


@pytest.mark.slow
def test_equals_keras_applications_and_its_dilated_twin(application, weights_file):
    rgb = np.random.default_rng(1).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    expected = np.asarray(application(keras.applications.resnet.preprocess_input(rgb.copy())))
    strided, dilated = network_of(32, weights_file), network_of(8, weights_file)
    assert strided.count_params() == application.count_params() == 42_658_176
    scale = np.abs(expected).max()
    coarse = np.asarray(strided(rgb - np.float32(resnet.MEAN)))
    assert np.abs(coarse - expected).max() < 1e-4 * scale
    fine = np.asarray(dilated(rgb - np.float32(resnet.MEAN)))
    assert fine.shape == (1, 8, 12, 2048) and coarse.shape == (1, 2, 3, 2048)
    assert np.abs(fine[:, ::4, ::4] - coarse).max() < 1e-4 * scale


@pytest.mark.slow
def test_whole_model_takes_the_file_and_starts_unsaturated(weights_file):
    model = build_model(backbone="resnet101", size=64, pretrained=weights_file)
    image = np.random.default_rng(1).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    probability = np.asarray(model(image))
    assert probability.shape == (1, 64, 64, 1)
    kernel = np.asarray(model.get_layer("conv2_block1_0_conv").kernel)
    with h5py.File(weights_file) as file:
        names = []
        file.visit(names.append)
        name = next(n for n in names if n.endswith(("0_conv/kernel", "0_conv/kernel:0")))
        assert "conv2_block1_0_conv" in name
        np.testing.assert_array_equal(kernel, file[name][()])


def test_head_of_another_task_is_named(tmp_path):
    path = tmp_path / "top.h5"
    with h5py.File(path, "w") as file:
        file["predictions/predictions/kernel:0"] = np.zeros((2048, 1000), np.float32)
    state = read_keras_h5(path)
    assert {name: value.shape for name, value in state.items()} == {
        "predictions/kernel": (2048, 1000)
    }
    with pytest.raises(InputError, match=r"top.h5 as resnet101: no tensor conv1_conv/kernel"):
        resnet.place(network_of(8), state, "top.h5", variant="resnet101")


def test_other_files_are_refused_in_one_line(tmp_path):
    path = tmp_path / "no.h5"
    path.write_bytes(b"no HDF5")
    with pytest.raises(InputError, match="no.h5: no weights file of keras.applications"):
        read_keras_h5(path)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["layer/strange"] = np.zeros(1)
    with pytest.raises(InputError, match="other.h5: no weights file of keras.applications"):
        read_keras_h5(tmp_path / "other.h5")


def test_weights_that_cannot_be_fetched_are_named(monkeypatch):
    def offline(*_, **__):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    with pytest.raises(InputError, match="resnet101 cannot be fetched .*put resnet101_weights"):
        resnet.default_weights(variant="resnet101")
