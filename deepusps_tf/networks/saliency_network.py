"""The saliency network: normalisation, feature network, head, upsampling to the input's size."""

import contextlib
import os
from collections.abc import Iterator

import keras

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones import Backbone, LayerFactory
from deepusps_tf.networks.heads import HEADS
from deepusps_tf.networks.pretrained import load_pretrained
from deepusps_tf.settings.parts import BACKBONES


def build_model(
    *,
    backbone: str,
    size: int | tuple[int, int] | None,
    batchnorm_momentum: float = 0.9,
    synchronized: bool = False,
    pretrained: str | os.PathLike | None = None,
    seed: int = 0,
    precision: str = "float32",
) -> keras.Model:
    """Builds the saliency network.

    Args:
        backbone: a name in `deepusps_tf.settings.parts.BACKBONES`, or `package.module:name` of
            a `Backbone`.
        size: side, or (height, width), of the images in pixels; None for any.
        batchnorm_momentum: share of the old moving statistics kept by a training step.
        synchronized: BatchNorm statistics over all replicas (TensorFlow backend only).
        pretrained: None for weights drawn from `seed`, "default" for the feature network's
            packaged weights, or a path (see `load_pretrained`).
        seed: of the initial weights that are not loaded.
        precision: "float32", or "mixed_bfloat16" to compute all but BatchNorm's statistics, the
            last upsampling and the probability in bfloat16. Weights are float32 either way, so
            that files fit both.

    Returns:
        A model of image float32 [B,H,W,3] in 0..255 -> saliency probability float32 [B,H,W,1].

    Raises:
        InputError: unknown backbone, one whose features are not as it declares, or weights that
            cannot be had or do not fit.
        ValueError: `synchronized` on another Keras backend than TensorFlow.
    """
    network = BACKBONES.find(backbone)
    if not isinstance(network, Backbone):
        raise InputError(f"--backbone={backbone}: is no deepusps_tf.networks.backbones.Backbone")
    factory = LayerFactory(seed, batchnorm_momentum, synchronized)
    height, width = (size, size) if size is None or isinstance(size, int) else size
    image = keras.Input((height, width, 3), name="image")
    with _dtype_policy(precision):
        probability = _connect(image, network, factory)
    model = keras.Model(image, probability, name=network.name)
    if pretrained is not None:
        load_pretrained(model, network, pretrained)
    return model


@contextlib.contextmanager
def _dtype_policy(precision: str) -> Iterator[None]:
    """Gives layers made inside this policy, and those made later the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _connect(image, network: Backbone, factory: LayerFactory) -> keras.KerasTensor:
    """Runs normalisation, feature network and the head that fits it."""
    normalised = keras.layers.Rescaling(
        [1 / std for std in network.std],
        [-mean / std for mean, std in zip(network.mean, network.std, strict=True)],
        name="normalise",
    )(image)
    built = network.build(normalised, factory)
    features = built if isinstance(built, (tuple, list)) else (built,)
    network.check_features(image, features)
    if network.head not in HEADS:
        raise InputError(
            f"--backbone={network.name}: no head {network.head!r}; one of {', '.join(HEADS)}"
        )
    return HEADS[network.head](features, image, network, factory)
