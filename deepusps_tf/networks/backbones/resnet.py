"""ResNet-101 at stride 8 by dilation, on the ImageNet weights of `keras.applications`.

He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), as `keras.applications` has
it: strides in a block's first 1x1 convolution, convolutions with bias, BGR input without scaling.
Layers carry its names.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import ops

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones.backbone import IMAGENET, register_family
from deepusps_tf.networks.backbones.layers import LayerFactory, keras_layout, place_tensors

MEAN = (123.68, 116.779, 103.939)
STD = (1.0, 1.0, 1.0)
CHANNELS = 2048
_EPSILON = 1.001e-5
_VARIABLES = frozenset({"gamma", "beta", "moving_mean", "moving_variance", "kernel", "bias"})
_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
_FILE = "resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5"
_MD5 = "88cf7a10940856eca736dc7b7e228a21"

# Blocks of the stages conv2 to conv5.
VARIANTS: dict[str, tuple[int, int, int, int]] = {"resnet101": (3, 4, 23, 3)}
_PLANES = (64, 128, 256, 512)


def features(
    image: keras.KerasTensor,
    factory: LayerFactory,
    *,
    variant: str = "resnet101",
    output_stride: int = 8,
) -> tuple[keras.KerasTensor]:
    """Builds the network without its classification head.

    Args:
        image: RGB less `MEAN`, float32 [B,H,W,3].
        factory: makes the layers.
        variant: key of `VARIANTS`.
        output_stride: 32 as in classification, or 8 or 16: later strides become dilation.

    Returns:
        One tensor, float32 [B,ceil(H/stride),ceil(W/stride),2048].
    """
    bgr = ops.flip(image, axis=-1)
    x = keras.layers.ZeroPadding2D(3)(bgr)
    x = factory.conv(x, 64, 7, strides=2, padding="valid", use_bias=True, name="conv1_conv")
    x = keras.layers.ReLU()(factory.batch_norm(x, name="conv1_bn", epsilon=_EPSILON))
    x = keras.layers.MaxPooling2D(3, strides=2)(keras.layers.ZeroPadding2D(1)(x))
    stride, dilation = 4, 1
    for stage, (planes, blocks) in enumerate(zip(_PLANES, VARIANTS[variant], strict=True), 2):
        strides = 1
        if stage > 2 and stride < output_stride:
            strides, stride = 2, 2 * stride
        elif stage > 2:
            dilation *= 2
        for number in range(1, blocks + 1):
            x = _block(
                x,
                factory,
                planes=planes,
                strides=strides if number == 1 else 1,
                dilation=dilation,
                name=f"conv{stage}_block{number}",
            )
    return (x,)


def place(
    model: keras.Model, state: Mapping[str, np.ndarray], source: str, *, variant: str
) -> list[str]:
    """Puts the tensors of a `keras.applications` file into the layers of `features`.

    Returns:
        The names left out: the classification top.

    Raises:
        InputError: the tensors are not those of `variant`.
    """
    prefixes = {
        layer.name: layer.name
        for layer in model.layers
        if re.fullmatch(r"conv\d.*_(conv|bn)", layer.name)
    }
    return place_tensors(
        model,
        state,
        prefixes,
        f"{source} as {variant}",
        heads=r"predictions/.+",
        layout=keras_layout,
    )


def block_number(layer_name: str) -> int | None:
    """Says in which stage a layer is, conv1 being 0; None: not in the feature network."""
    match = re.match(r"conv(\d)_", layer_name)
    return int(match[1]) - 1 if match else None


def default_weights(*, variant: str) -> Path:
    """Finds the ImageNet weights in Keras' cache, or fetches them.

    Raises:
        InputError: they can be neither found nor fetched.
    """
    try:
        path = keras.utils.get_file(_FILE, _URL + _FILE, cache_subdir="models", file_hash=_MD5)
    except Exception as error:  # a bare Exception is what get_file raises
        raise InputError(
            f"--pretrained=default: {variant} cannot be fetched ({error}); put {_FILE} of "
            "keras-applications somewhere and name it with --pretrained"
        ) from error
    return Path(path)


def read_keras_h5(path: Path) -> dict[str, np.ndarray]:
    """Reads a weights file of `keras.applications`.

    Returns:
        `<layer>/<variable>` -> array, as Keras has it.

    Raises:
        InputError: the file cannot be read or is none of these.
    """
    state = {}

    def take(name: str, item) -> None:
        if isinstance(item, h5py.Dataset):
            layer, variable = name.removesuffix(":0").split("/")[-2:]
            if variable not in _VARIABLES:
                raise ValueError(f"it holds {name}")
            state[f"{layer}/{variable}"] = item[()]

    try:
        with h5py.File(path) as file:
            file.visititems(take)
    except (OSError, KeyError, ValueError) as error:
        detail = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: no weights file of keras.applications ({detail})") from error
    return state


def _block(
    x: keras.KerasTensor,
    factory: LayerFactory,
    *,
    planes: int,
    strides: int,
    dilation: int,
    name: str,
) -> keras.KerasTensor:
    """Bottleneck of 1x1, 3x3 and 1x1 convolutions; the first block of a stage projects."""

    def unit(x, number, filters, kernel_size=1, *, strides=1, dilation=1):
        x = factory.conv(
            x,
            filters,
            kernel_size,
            strides=strides,
            dilation=dilation,
            use_bias=True,
            name=f"{name}_{number}_conv",
        )
        return factory.batch_norm(x, name=f"{name}_{number}_bn", epsilon=_EPSILON)

    shortcut = unit(x, 0, 4 * planes, strides=strides) if name.endswith("block1") else x
    x = keras.layers.ReLU()(unit(x, 1, planes, strides=strides))
    x = keras.layers.ReLU()(unit(x, 2, planes, 3, dilation=dilation))
    x = unit(x, 3, 4 * planes)
    return keras.layers.ReLU()(keras.layers.Add()([shortcut, x]))


register_family(
    VARIANTS,
    features=features,
    place=place,
    default_weights=default_weights,
    default_weights_of=IMAGENET,
    mean=MEAN,
    std=STD,
    block_number=block_number,
    stride=8,
    # DRN's rule would saturate the softmax on ImageNet features, which are not small.
    head_fan=2 * CHANNELS,
)
