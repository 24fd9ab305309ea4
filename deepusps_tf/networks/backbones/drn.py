"""DRN-D: dilated residual networks without max-pooling and without gridding.

Yu, Koltun & Funkhouser, "Dilated Residual Networks" (CVPR 2017). Nine stages; stages 2 to 4 halve
the resolution (stride 8 in all), 5 and 6 dilate by 2 and 4 instead, 7 and 8 are plain convolutions
that smooth out the dilation's grid. Layers are named as in the PyTorch release, `layer3.0.conv1`.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones.backbone import register_family
from deepusps_tf.networks.backbones.layers import LayerFactory, place_tensors

# DRN's own values for Cityscapes, in 0..255 units.
MEAN = (0.290101 * 255, 0.328081 * 255, 0.286964 * 255)
STD = (0.182954 * 255, 0.186566 * 255, 0.184475 * 255)
_EPSILON = 1e-5

# Bottleneck or basic blocks, and how many of them stages 3 to 6 have.
VARIANTS: dict[str, tuple[bool, tuple[int, int, int, int]]] = {
    "drn_d_22": (False, (2, 2, 2, 2)),
    "drn_d_38": (False, (3, 4, 6, 3)),
    "drn_d_54": (True, (3, 4, 6, 3)),
    "drn_d_105": (True, (3, 4, 23, 3)),
}
_PLANES = (64, 128, 256, 512)
_STRIDES = (2, 2, 1, 1)
_DILATIONS = (1, 1, 2, 4)


def features(
    image: keras.KerasTensor, factory: LayerFactory, *, variant: str
) -> tuple[keras.KerasTensor]:
    """Builds the network without its classification head.

    Args:
        image: normalised image, float32 [B,H,W,3].
        factory: makes the layers.
        variant: key of `VARIANTS`.

    Returns:
        One tensor, float32 [B,ceil(H/8),ceil(W/8),512].
    """
    bottleneck, repeats = VARIANTS[variant]
    unit = functools.partial(_unit, factory=factory)
    x = unit(image, 16, 7, conv="layer0.0", norm="layer0.1")
    x = unit(x, 16, 3, conv="layer1.0", norm="layer1.1")
    x = unit(x, 32, 3, strides=2, conv="layer2.0", norm="layer2.1")
    block = _bottleneck_block if bottleneck else _basic_block
    for index, repeat in enumerate(repeats):
        for number in range(repeat):
            x = block(
                x,
                unit,
                planes=_PLANES[index],
                strides=_STRIDES[index] if number == 0 else 1,
                dilation=_DILATIONS[index],
                name=f"layer{index + 3}.{number}",
            )
    x = unit(x, 512, 3, dilation=2, conv="layer7.0", norm="layer7.1")
    return (unit(x, 512, 3, conv="layer8.0", norm="layer8.1"),)


def place(
    model: keras.Model, state: Mapping[str, np.ndarray], source: str, *, variant: str
) -> list[str]:
    """Puts a PyTorch DRN checkpoint's tensors into the model.

    Segmentation checkpoints name them `base.3.0.conv1...`, ImageNet ones `layer3.0.conv1...`, and
    a sequence of the network's children `3.0.conv1...`. A two-class `seg` head is taken for the
    paper's release, whose first class is the salient one, so the two change places; a head with
    other classes belongs to another task.

    Returns:
        The names left out: the head (`seg`, `fc`) and the fixed upsampling (`up`).

    Raises:
        InputError: the tensors are not those of `variant`.
    """
    originals = {_canonical(name): name for name in state}
    source = f"{source} as {variant}"
    if len(originals) != len(state):
        raise InputError(f"{source}: a tensor comes under two names; save one state dict alone")
    canonical = {name: state[original] for name, original in originals.items()}
    prefixes = {
        layer.name: layer.name
        for layer in model.layers
        if re.fullmatch(r"layer\d+\..+", layer.name)
    }
    if "seg.weight" in state and len(state["seg.weight"]) == 2:
        prefixes["seg"] = "seg"
        head = {"seg.weight", "seg.bias"} & canonical.keys()
        canonical |= {name: canonical[name][::-1] for name in head}
    heads = r"(seg|fc|up|layer10)\.(weight|bias)"
    left_out = place_tensors(model, canonical, prefixes, source, heads=heads)
    return [originals[name] for name in left_out]


def block_number(layer_name: str) -> int | None:
    """Says in which of DRN's layers, from 0, a Keras layer is; None: not in the feature network."""
    match = re.match(r"layer(\d+)\.", layer_name)
    return int(match[1]) if match else None


def default_weights(*, variant: str) -> Path:
    """Raises `InputError`: the weights are not on any package index, the user brings the file."""
    raise InputError(
        f"--pretrained=default: {variant} has no packaged weights; give the path of its .pth file"
    )


def _canonical(name: str) -> str:
    return re.sub(r"^(?:base\.|layer)?(\d+)\.", r"layer\1.", name)


def _unit(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int,
    *,
    factory: LayerFactory,
    conv: str,
    norm: str,
    strides: int = 1,
    dilation: int = 1,
    relu: bool = True,
) -> keras.KerasTensor:
    """Convolution, BatchNorm and ReLU with PyTorch's symmetric padding."""
    if strides > 1 and kernel_size > 1:
        # Keras' "same" would pad an even side at its end only.
        x = keras.layers.ZeroPadding2D(kernel_size // 2)(x)
    padding = "valid" if strides > 1 else "same"
    x = factory.conv(
        x, filters, kernel_size, strides=strides, dilation=dilation, padding=padding, name=conv
    )
    x = factory.batch_norm(x, name=norm, epsilon=_EPSILON)
    return keras.layers.ReLU()(x) if relu else x


def _shortcut(x, unit, *, filters: int, strides: int, name: str) -> keras.KerasTensor:
    if strides == 1 and x.shape[-1] == filters:
        return x
    names = {"conv": f"{name}.downsample.0", "norm": f"{name}.downsample.1"}
    return unit(x, filters, 1, strides=strides, relu=False, **names)


def _basic_block(x, unit, *, planes: int, strides: int, dilation: int, name: str):
    shortcut = _shortcut(x, unit, filters=planes, strides=strides, name=name)
    names = [{"conv": f"{name}.conv{i}", "norm": f"{name}.bn{i}"} for i in (1, 2)]
    x = unit(x, planes, 3, strides=strides, dilation=dilation, **names[0])
    x = unit(x, planes, 3, dilation=dilation, relu=False, **names[1])
    return keras.layers.ReLU()(keras.layers.Add()([x, shortcut]))


def _bottleneck_block(x, unit, *, planes: int, strides: int, dilation: int, name: str):
    shortcut = _shortcut(x, unit, filters=4 * planes, strides=strides, name=name)
    names = [{"conv": f"{name}.conv{i}", "norm": f"{name}.bn{i}"} for i in (1, 2, 3)]
    x = unit(x, planes, 1, **names[0])
    x = unit(x, planes, 3, strides=strides, dilation=dilation, **names[1])
    x = unit(x, 4 * planes, 1, relu=False, **names[2])
    return keras.layers.ReLU()(keras.layers.Add()([x, shortcut]))


register_family(
    VARIANTS,
    features=features,
    place=place,
    default_weights=default_weights,
    mean=MEAN,
    std=STD,
    block_number=block_number,
    stride=8,
)
