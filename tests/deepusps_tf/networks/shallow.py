"""The families of feature networks with a block a stage and few channels, for tests that train.

Tracing or compiling a training step takes seconds a block; these have every kind of block and the
heads of the whole networks. `--backbone` takes `LITE`, `DRN` and `RESNET`.
"""

import dataclasses
from unittest import mock

from deepusps_tf.networks.backbones import drn, efficientnet_lite, resnet
from deepusps_tf.settings.parts import BACKBONES

LITE, DRN, RESNET = (f"{__name__}:{family}" for family in ("lite", "drn_d", "res"))
_PLANES = (16, 16, 32, 32)


def _lite_features(image, factory):
    with mock.patch.dict(efficientnet_lite.VARIANTS, shallow=(0.25, 0.25)):
        return efficientnet_lite.features(image, factory, variant="shallow")


def _drn_features(image, factory):
    with (
        mock.patch.dict(drn.VARIANTS, shallow=(False, (1, 1, 1, 1))),
        mock.patch.object(drn, "_PLANES", _PLANES),
    ):
        return drn.features(image, factory, variant="shallow")


def _resnet_features(image, factory):
    with (
        mock.patch.dict(resnet.VARIANTS, shallow=(2, 1, 1, 1)),
        mock.patch.object(resnet, "_PLANES", _PLANES),
    ):
        return resnet.features(image, factory, variant="shallow")


def _shallow(whole: str, build):
    return dataclasses.replace(BACKBONES.find(whole), name=f"shallow_{whole}", build=build)


lite = _shallow("efficientnet_lite0", _lite_features)
drn_d = _shallow("drn_d_22", _drn_features)
res = _shallow("resnet101", _resnet_features)
