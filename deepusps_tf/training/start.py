"""What training starts from: the network, each round's weights, and settings that cannot start."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.fusion.base import make_fusion
from deepusps_tf.networks.losses import find_loss
from deepusps_tf.networks.pretrained import load_pretrained
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.parts import BACKBONES


class DrawnWeight(NamedTuple):
    """A weight that no file filled, and how it is drawn."""

    variable: keras.Variable
    initializer: keras.Initializer


def check_settings(config: Config, strategy: tf.distribute.Strategy) -> None:
    """Finds what training could not start with, before hours of preparation.

    The networks are built once for it, which takes seconds.

    Raises:
        InputError: for a fusion, a loss or a backbone that cannot be had or contradicts other
            settings, pretrained weights that are missing or do not fit, more frozen blocks than
            there are, or a batch that does not divide by the devices.
    """
    make_fusion(config)
    find_loss(config.loss)
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % replicas:
        raise InputError(f"--batch_size={config.batch_size} must divide by {replicas} devices")
    starting_network(config, replicas)
    if config.in_joint_rounds != config:
        starting_network(config.in_joint_rounds, replicas)


def starting_network(config: Config, replicas: int) -> tuple[keras.Model, list[DrawnWeight]]:
    """Builds the network to train; `--frozen_blocks` of it stay as they are, statistics too.

    Args:
        config: the run's settings.
        replicas: devices that train together.

    Returns:
        The network, and those of its weights that `draw_weights` draws for every round: the head's
        where `--pretrained` is of the feature network, none where it is of a whole model, the
        kernels of all layers with `--pretrained=none`.

    Raises:
        InputError: where it cannot be built so.
    """
    network = build_model(
        backbone=config.backbone,
        size=config.size,
        batchnorm_momentum=config.batchnorm_momentum,
        synchronized=config.synchronized_batchnorm and replicas > 1,
        seed=config.seed,
        precision=config.precision,
    )
    drawn = _drawn_kernels(network)
    if config.pretrained != "none":
        before = [kernel.numpy() for kernel, _ in drawn]
        load_pretrained(network, BACKBONES.find(config.backbone), config.pretrained)
        pairs = zip(drawn, before, strict=True)
        drawn = [
            weight for weight, value in pairs if np.array_equal(weight.variable.numpy(), value)
        ]
    freeze_blocks(network, config.backbone, config.frozen_blocks)
    return network, drawn


def freeze_blocks(network: keras.Model, backbone: str, frozen: int) -> None:
    """Keeps the first blocks of a network's backbone as they are; all other layers are trained.

    Raises:
        InputError: no block would be left to train.
    """
    block_number = BACKBONES.find(backbone).block_number
    numbers = [block_number(layer.name) for layer in network.layers]
    count = len({number for number in numbers if number is not None})
    if frozen and frozen >= count:
        raise InputError(
            f"--frozen_blocks={frozen}: {backbone} has {count} blocks, one must be trained"
        )
    for layer, number in zip(network.layers, numbers, strict=True):
        layer.trainable = number is None or number >= frozen


def draw_weights(drawn: Sequence[DrawnWeight], seed: int, round_name: str) -> None:
    """Draws the weights of a round, which are no other round's.

    They depend on nothing but the arguments: the same round of a run that was stopped, or that
    trains on other devices, starts from the same. At the release's learning rate a head stays near
    its draw, so that methods with one head would err alike.

    Args:
        drawn: of `starting_network`; they are changed in place.
        seed: the run's.
        round_name: `Round.name`.
    """
    for place, (variable, initializer) in enumerate(drawn):
        own = zlib.crc32(f"{seed}/{round_name}/{place}".encode())
        again = type(initializer).from_config(initializer.get_config() | {"seed": own})
        variable.assign(again(variable.shape, variable.dtype))


def _drawn_kernels(network: keras.Model) -> list[DrawnWeight]:
    """The kernels of the network's own layers that begin with random values."""
    drawn = []
    for layer in network.layers:
        for name in ("kernel_initializer", "depthwise_initializer"):
            initializer = getattr(layer, name, None)
            if hasattr(layer, "kernel") and initializer and "seed" in initializer.get_config():
                drawn.append(DrawnWeight(layer.kernel, initializer))
    return drawn
