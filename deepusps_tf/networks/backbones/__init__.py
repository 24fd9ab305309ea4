"""The feature networks, one family a file, and the registry that names them.

Every network turns a normalised image float32 [B,H,W,3] into its features, finest first: one
tensor at stride 8 for the dilated residual networks (DRN, ResNet), a stride-8 skip and the
stride-16 features for EfficientNet-Lite.
"""

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from deepusps_tf.networks.backbones import drn, efficientnet_lite, resnet
from deepusps_tf.networks.backbones.layers import LayerFactory


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
        block_number: in which block, from 0, a layer of that name is; None for the head's.
        head_fan: of the head's initial weights, of variance 2 / fan; None for DRN's own rule.
    """

    name: str
    build: Callable[[keras.KerasTensor, LayerFactory], tuple[keras.KerasTensor, ...]]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    place: Callable[[keras.Model, Mapping[str, np.ndarray], str], list[str]]
    default_weights: Callable[[], Path]
    block_number: Callable[[str], int | None]
    head_fan: int | None = None


def _backbone(family: types.ModuleType, name: str, head_fan: int | None = None) -> Backbone:
    return Backbone(
        name=name,
        build=functools.partial(family.features, variant=name),
        mean=family.MEAN,
        std=family.STD,
        place=functools.partial(family.place, variant=name),
        default_weights=functools.partial(family.default_weights, variant=name),
        block_number=family.block_number,
        head_fan=head_fan,
    )


BACKBONES: dict[str, Backbone] = {
    **{name: _backbone(drn, name) for name in drn.VARIANTS},
    **{name: _backbone(efficientnet_lite, name) for name in efficientnet_lite.VARIANTS},
    # DRN's rule would saturate the softmax on ImageNet features, which are not small.
    **{name: _backbone(resnet, name, head_fan=2 * resnet.CHANNELS) for name in resnet.VARIANTS},
}
