"""Pretrained weights of a saliency network, from any of the files they come in."""

import os
import warnings
from pathlib import Path

import keras

from data_prep.base.errors import InputError
from data_prep.base.log import note
from deepusps_tf.networks.backbones import Backbone
from deepusps_tf.networks.backbones.resnet import read_keras_h5
from deepusps_tf.networks.torch_checkpoint import read_state_dict


def load_pretrained(
    model: keras.Model, network: Backbone, pretrained: str | os.PathLike
) -> list[str]:
    """Loads weights into a model made by `build_model`.

    Args:
        model: the model; it is changed in place.
        network: its feature network.
        pretrained: "default", or the path of a PyTorch `.pth` of the feature network, of an `.h5`
            of `keras.applications`, or of a `.weights.h5` or `.keras` of the whole model.

    Returns:
        The names of the file's tensors that were left out (heads of other tasks).

    Raises:
        InputError: the file cannot be had, read, or does not fit the network.
    """
    path = network.find_default_weights() if pretrained == "default" else Path(pretrained)
    if not path.is_file():
        raise InputError(f"--pretrained={path}: no such file")
    if path.name.endswith((".weights.h5", ".keras")):
        try:
            with warnings.catch_warnings():
                # Keras only warns of layers that the file does not know.
                warnings.simplefilter("error", UserWarning)
                model.load_weights(path)
        except (UserWarning, ValueError, OSError, KeyError) as error:
            detail = " ".join(str(error).split())[:120]
            raise InputError(f"{path}: does not fit {network.name} ({detail})") from error
        return []
    state = read_keras_h5(path) if path.suffix == ".h5" else read_state_dict(path)
    left_out = network.place_weights(model, state, str(path))
    note("%s: all of %s is placed; left out: %s", path, network.name, left_out or "nothing")
    return left_out
