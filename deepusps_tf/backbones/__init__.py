"""The feature networks, one family a file, and the registry that names them.

Every network turns a normalised image float32 [B,H,W,3] into its features, finest first: one
tensor at stride 8 for the dilated residual networks (DRN, ResNet), a stride-8 skip and the
stride-16 features for EfficientNet-Lite.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from deepusps_tf.backbones import drn, efficientnet_lite, resnet
from deepusps_tf.backbones.layers import LayerFactory


@dataclasses.dataclass(frozen=True)
class Backbone:
    """What the model needs of a feature network.

    Attributes:
        name: the value of the `--backbone` flag.
        build: `build(image, factory)` -> features, finest first.
        mean: of the normalisation (image - mean) / std, per channel, in 0..255 units.
        std: of the normalisation, per channel, in 0..255 units.
        place: `place(model, state, source)` puts every tensor of a PyTorch state dict into the
            model's layers and returns the names of those left out; `InputError` if they do not
            fit each other.
        default_weights: where the weights of `pretrained="default"` are; raises `InputError`
            where they have to be fetched by the user.
        head_fan: of the head's initial weights, of variance 2 / fan; None for DRN's own rule.
    """

    name: str
    build: Callable[[keras.KerasTensor, LayerFactory], tuple[keras.KerasTensor, ...]]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    place: Callable[[keras.Model, Mapping[str, np.ndarray], str], list[str]]
    default_weights: Callable[[], Path]
    head_fan: int | None = None


def _drn(name: str) -> Backbone:
    return Backbone(
        name=name,
        build=functools.partial(drn.features, variant=name),
        mean=drn.MEAN,
        std=drn.STD,
        place=functools.partial(drn.place, variant=name),
        default_weights=functools.partial(drn.default_weights, variant=name),
    )


def _efficientnet_lite(name: str) -> Backbone:
    return Backbone(
        name=name,
        build=functools.partial(efficientnet_lite.features, variant=name),
        mean=efficientnet_lite.MEAN,
        std=efficientnet_lite.STD,
        place=functools.partial(efficientnet_lite.place, variant=name),
        default_weights=functools.partial(efficientnet_lite.default_weights, variant=name),
    )


def _resnet(name: str) -> Backbone:
    return Backbone(
        name=name,
        build=functools.partial(resnet.features, variant=name),
        mean=resnet.MEAN,
        std=resnet.STD,
        place=functools.partial(resnet.place, variant=name),
        default_weights=functools.partial(resnet.default_weights, variant=name),
        # DRN's rule would saturate the softmax on ImageNet features, which are not small.
        head_fan=2 * resnet.CHANNELS,
    )


BACKBONES: dict[str, Backbone] = {
    **{name: _drn(name) for name in drn.VARIANTS},
    **{name: _efficientnet_lite(name) for name in efficientnet_lite.VARIANTS},
    **{name: _resnet(name) for name in resnet.VARIANTS},
}
