"""What training starts from: the network, and settings that could not start."""

import keras
import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.fusion.base import make_fusion
from deepusps_tf.networks.losses import find_loss
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.parts import BACKBONES


def check_settings(config: Config, strategy: tf.distribute.Strategy) -> None:
    """Finds what training could not start with, before hours of preparation.

    The network is built once for it, which takes seconds.

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


def starting_network(config: Config, replicas: int) -> keras.Model:
    """Builds the network to train; `--frozen_blocks` of it stay as they are, statistics too.

    Args:
        config: the run's settings.
        replicas: devices that train together.

    Raises:
        InputError: where it cannot be built so.
    """
    network = build_model(
        backbone=config.backbone,
        size=config.size,
        batchnorm_momentum=config.batchnorm_momentum,
        synchronized=config.synchronized_batchnorm and replicas > 1,
        pretrained=None if config.pretrained == "none" else config.pretrained,
        seed=config.seed,
        precision=config.precision,
    )
    frozen, block_number = config.frozen_blocks, BACKBONES.find(config.backbone).block_number
    numbers = [block_number(layer.name) for layer in network.layers]
    count = len({number for number in numbers if number is not None})
    if frozen and frozen >= count:
        raise InputError(
            f"--frozen_blocks={frozen}: {config.backbone} has {count} blocks, one must be trained"
        )
    for layer, number in zip(network.layers, numbers, strict=True):
        layer.trainable = number is None or number >= frozen
    return network
