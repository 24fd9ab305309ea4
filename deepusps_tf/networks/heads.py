"""What makes a probability of a feature network's features: the heads, and their layers.

A head is a function `(features, image, network, factory) -> probability`: features as
`Backbone.build` gave them, finest first, and the image float32 [B, H, W, 3], whose size the
probability float32 [B, H, W, 1] has.
"""

import keras
from keras import ops

from deepusps_tf.networks.backbones import Backbone, LayerFactory

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


def _linear_head(features, image, network: Backbone, factory: LayerFactory) -> keras.KerasTensor:
    """DRN's own: a 1x1 convolution to two classes, fixed upsampling, softmax."""
    logits = factory.conv(features[0], 2, 1, use_bias=True, fan=network.head_fan, name="seg")
    logits = BilinearUpsampling(network.stride, dtype="float32", name="logits")(logits, image)
    return SalientProbability(name="probability")(logits)


def _skip_head(features, image, network: Backbone, factory: LayerFactory) -> keras.KerasTensor:
    """Joins the features with the finer skip in few channels, then one logit."""
    skip, x = features
    (skip_stride,) = network.skip_strides
    x = _in_few_channels(x, factory, "features")
    factor = network.stride // skip_stride
    x = BilinearUpsampling(factor, extend_border=True, name="decoder.upsample")(x, skip)
    x = keras.layers.Add()([x, _in_few_channels(skip, factory, "skip")])
    x = _joined(keras.layers.ReLU()(x), factory, "join")
    return _one_logit(x, image, skip_stride, factory)


def _pyramid_head(features, image, network: Backbone, factory: LayerFactory) -> keras.KerasTensor:
    """A feature pyramid: from the coarsest features down, each joined with the next finer ones."""
    *finer, x = features
    x = keras.layers.ReLU()(_in_few_channels(x, factory, "features"))
    stride = network.stride
    for skip, skip_stride in zip(finer[::-1], network.skip_strides[::-1], strict=True):
        name = f"decoder.upsample{skip_stride}"
        x = BilinearUpsampling(stride // skip_stride, extend_border=True, name=name)(x, skip)
        x = keras.layers.Add()([x, _in_few_channels(skip, factory, f"skip{skip_stride}")])
        x = _joined(keras.layers.ReLU()(x), factory, f"join{skip_stride}")
        stride = skip_stride
    return _one_logit(x, image, stride, factory)


def _in_few_channels(x, factory: LayerFactory, name: str) -> keras.KerasTensor:
    x = factory.conv(x, _DECODER_CHANNELS, 1, name=f"decoder.{name}")
    return factory.batch_norm(x, name=f"decoder.{name}_bn", epsilon=1e-3)


def _joined(x, factory: LayerFactory, name: str) -> keras.KerasTensor:
    x = factory.conv(x, _DECODER_CHANNELS, 3, name=f"decoder.{name}")
    return keras.layers.ReLU()(factory.batch_norm(x, name=f"decoder.{name}_bn", epsilon=1e-3))


def _one_logit(x, image, stride: int, factory: LayerFactory) -> keras.KerasTensor:
    # Small first logits: a saturated sigmoid gives the F-measure loss no gradient.
    logit = factory.conv(x, 1, 1, use_bias=True, fan=2 * _DECODER_CHANNELS, name="seg")
    enlarge = BilinearUpsampling(stride, extend_border=True, dtype="float32", name="logits")
    probability = keras.layers.Activation("sigmoid", dtype="float32", name="probability")
    return probability(enlarge(logit, image))


HEADS = {"linear": _linear_head, "skip": _skip_head, "pyramid": _pyramid_head}
