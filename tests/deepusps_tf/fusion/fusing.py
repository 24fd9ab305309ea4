"""Fusions on handcrafted maps in place of refined labels, for tests."""

import dataclasses
from pathlib import Path

import numpy as np

from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.distribution.workers import ALONE
from deepusps_tf.fusion.base import LearnedLabels, make_fusion
from deepusps_tf.training.final_training import train_final_network
from deepusps_tf.training.label_rounds import MethodLabels
from tests.deepusps_tf.conftest import tiny_model


def maps_of(config, methods=()) -> list:
    """The maps that these methods, or all of a run, made of its training photos."""
    photos = open_photos(config.records)
    return [photos.handcrafted("train", method) for method in methods or config.methods]


def learned(config) -> LearnedLabels:
    """What the final network of a run learns."""
    images = open_photos(config.records).train
    return make_fusion(config).learned(images, maps_of(config), Path(config.workdir) / "fusion")


def fuse(config, versions=(), **changes) -> list[np.ndarray]:
    """Trains the final network; its weights.

    Learns from the maps of all methods, or of those that `versions` names.
    """
    config = dataclasses.replace(config, crf=False, **changes)
    train_final_network(
        config=config,
        photos=open_photos(config.records),
        labels=MethodLabels(tuple(maps_of(config, versions))),
        fusion=make_fusion(config),
        strategy=make_strategy(config.devices),
        workers=ALONE,
        pool=None,
    )
    network = tiny_model(backbone="", size=config.size)
    network.load_weights(Path(config.workdir) / "fusion/network.weights.h5")
    return network.get_weights()


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    """Whether two networks' weights are equal, byte for byte."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))
