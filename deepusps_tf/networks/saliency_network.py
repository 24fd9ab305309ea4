"""The saliency network: normalisation, feature network, head, upsampling to the input's size."""

import contextlib
import os
from collections.abc import Iterator

import keras
from keras import ops

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones import Backbone, LayerFactory
from deepusps_tf.networks.pretrained import load_pretrained
from deepusps_tf.settings.parts import BACKBONES

_DECODER_CHANNELS = 64


@keras.saving.register_keras_serializable(package="deepusps_tf")
class BilinearUpsampling(keras.layers.Layer):
    """Enlarges feature maps by a whole factor with fixed bilinear weights.

    Output row o lies at the input row s = (o + 1/2) / factor - 1/2, and takes input row i with the
    weight max(0, 1 - |s - i|); columns likewise. Rows outside the input are zero, or repeat the
    border where `extend_border`. With zeros this equals a transposed convolution with the bilinear
    kernel of side 2 factor, stride factor and padding factor / 2, as DRN has it, computed as two
    matrix products. Works for sides unknown at graph-building time.

    Call arguments:
        inputs: float [B,h,w,C].
        like: [B,H,W,...] with H <= factor h and W <= factor w; what exceeds H, W is cropped.

    Returns: float [B,H,W,C].
    """

    def __init__(self, factor: int, *, extend_border: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.extend_border = extend_border

    def call(self, inputs, like):  # noqa: D102
        _, height, width, _ = ops.shape(inputs)
        rows, columns = ops.shape(like)[1:3]
        x = ops.transpose(inputs, (0, 3, 1, 2))
        x = ops.matmul(x, ops.transpose(self._weights(columns, width, inputs.dtype)))
        x = ops.matmul(self._weights(rows, height, inputs.dtype), x)
        return ops.transpose(x, (0, 2, 3, 1))

    def _weights(self, size_out, size_in, dtype):
        position = (ops.arange(size_out, dtype="float32") + 0.5) / self.factor - 0.5
        if self.extend_border:
            last = ops.cast(size_in - 1, "float32")
            position = ops.maximum(ops.minimum(position, last), 0.0)
        distance = ops.abs(position[:, None] - ops.arange(size_in, dtype="float32")[None, :])
        return ops.cast(ops.maximum(1.0 - distance, 0.0), dtype)

    def compute_output_shape(self, inputs_shape, like_shape):  # noqa: D102
        return (inputs_shape[0], *like_shape[1:3], inputs_shape[-1])

    def get_config(self):  # noqa: D102
        return super().get_config() | {"factor": self.factor, "extend_border": self.extend_border}


@keras.saving.register_keras_serializable(package="deepusps_tf")
class SalientProbability(keras.layers.Layer):
    """Softmax over the logits [B,H,W,2] in float32, of which the second class is kept."""

    def __init__(self, **kwargs):
        super().__init__(**(kwargs | {"dtype": "float32"}))

    def call(self, inputs):  # noqa: D102
        return ops.softmax(inputs, axis=-1)[..., 1:]

    def compute_output_shape(self, inputs_shape):  # noqa: D102
        return (*inputs_shape[:-1], 1)


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
    if network.head not in _HEADS:
        raise InputError(
            f"--backbone={network.name}: no head {network.head!r}; one of {', '.join(_HEADS)}"
        )
    return _HEADS[network.head](features, image, network, factory)


def _linear_head(features, image, network: Backbone, factory: LayerFactory) -> keras.KerasTensor:
    """DRN's own: a 1x1 convolution to two classes, fixed upsampling, softmax."""
    logits = factory.conv(features[0], 2, 1, use_bias=True, fan=network.head_fan, name="seg")
    logits = BilinearUpsampling(network.stride, dtype="float32", name="logits")(logits, image)
    return SalientProbability(name="probability")(logits)


def _skip_head(features, image, network: Backbone, factory: LayerFactory) -> keras.KerasTensor:
    """Joins the features with the finer skip in few channels, then one logit."""
    skip, x = features
    x = factory.conv(x, _DECODER_CHANNELS, 1, name="decoder.features")
    x = factory.batch_norm(x, name="decoder.features_bn", epsilon=1e-3)
    factor = network.stride // network.skip_stride
    x = BilinearUpsampling(factor, extend_border=True, name="decoder.upsample")(x, skip)
    skip = factory.conv(skip, _DECODER_CHANNELS, 1, name="decoder.skip")
    skip = factory.batch_norm(skip, name="decoder.skip_bn", epsilon=1e-3)
    x = keras.layers.ReLU()(keras.layers.Add()([x, skip]))
    x = factory.conv(x, _DECODER_CHANNELS, 3, name="decoder.join")
    x = keras.layers.ReLU()(factory.batch_norm(x, name="decoder.join_bn", epsilon=1e-3))
    # Small first logits: a saturated sigmoid gives the F-measure loss no gradient.
    logit = factory.conv(x, 1, 1, use_bias=True, fan=2 * _DECODER_CHANNELS, name="seg")
    enlarge = BilinearUpsampling(
        network.skip_stride, extend_border=True, dtype="float32", name="logits"
    )
    logit = enlarge(logit, image)
    return keras.layers.Activation("sigmoid", dtype="float32", name="probability")(logit)


_HEADS = {"linear": _linear_head, "skip": _skip_head}
