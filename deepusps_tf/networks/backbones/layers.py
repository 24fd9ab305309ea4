"""The layers all feature networks are made of, and the placing of a file's tensors into them."""

import dataclasses
import math
import re
import zlib
from collections.abc import Callable, Mapping

import keras
import numpy as np

from data_prep.base.errors import InputError
from deepusps_tf.networks.backbones.batch_norm import BatchNorm
from deepusps_tf.networks.backbones.dilated_conv import DilatedConv2D

# A variable, what its tensor's name ends in, and the axes it has there in the order of Keras.
Place = tuple[keras.Variable, str, tuple[int, ...] | None]


@dataclasses.dataclass(frozen=True)
class LayerFactory:
    """Makes named convolution and BatchNorm layers that share one run's settings.

    Attributes:
        seed: every layer's initial values depend on it and on the layer's name alone.
        batchnorm_momentum: share of the old moving statistics kept by a training step.
        synchronized: BatchNorm statistics over all replicas (TensorFlow backend only).
    """

    seed: int = 0
    batchnorm_momentum: float = 0.9
    synchronized: bool = False

    def conv(
        self,
        x: keras.KerasTensor,
        filters: int,
        kernel_size: int,
        *,
        name: str,
        strides: int = 1,
        dilation: int = 1,
        padding: str = "same",
        use_bias: bool = False,
        fan: int | None = None,
    ) -> keras.KerasTensor:
        """Convolves; weights are drawn with variance 2 / fan, or 2 / (kernel_size^2 filters)."""
        kind = keras.layers.Conv2D if dilation == 1 else DilatedConv2D
        return kind(
            filters,
            kernel_size,
            strides=strides,
            dilation_rate=dilation,
            padding=padding,
            use_bias=use_bias,
            kernel_initializer=self._normal(name, fan or kernel_size**2 * filters),
            name=name,
        )(x)

    def depthwise_conv(
        self,
        x: keras.KerasTensor,
        kernel_size: int,
        *,
        name: str,
        strides: int = 1,
        dilation: int = 1,
    ) -> keras.KerasTensor:
        """Convolves each channel; weights from a normal of variance 2 / kernel_size^2."""
        return keras.layers.DepthwiseConv2D(
            kernel_size,
            strides=strides,
            dilation_rate=dilation,
            padding="same",
            use_bias=False,
            depthwise_initializer=self._normal(name, kernel_size**2),
            name=name,
        )(x)

    def batch_norm(self, x: keras.KerasTensor, *, name: str, epsilon: float) -> keras.KerasTensor:
        """Normalises each channel over batch and space."""
        return BatchNorm(
            momentum=self.batchnorm_momentum,
            epsilon=epsilon,
            synchronized=self.synchronized,
            name=name,
        )(x)

    def _normal(self, name: str, fan: int) -> keras.initializers.Initializer:
        seed = zlib.crc32(f"{self.seed}/{name}".encode())
        return keras.initializers.RandomNormal(stddev=math.sqrt(2 / fan), seed=seed)


def place_tensors(
    model: keras.Model,
    state: Mapping[str, np.ndarray],
    prefixes: Mapping[str, str],
    source: str,
    *,
    heads: str,
    layout: Callable[[keras.Layer], list[Place]] | None = None,
) -> list[str]:
    """Puts tensors of a weights file into Keras layers, each exactly once.

    Args:
        model: has a layer for every key of `prefixes`.
        state: tensor name -> array, as `layout` has it.
        prefixes: layer name -> what comes before `.weight` and so on in the tensor's name.
        source: file and network, for the messages.
        heads: pattern of the names that may be left out.
        layout: how the tensors of a layer are called and turned; by default `torch_layout`.

    Returns:
        The names of the tensors that no layer took, in order (`num_batches_tracked` counters,
        which Keras has no use for, are not mentioned).

    Raises:
        InputError: a tensor is missing, of another shape, or neither taken nor a head's; the
            model is then unchanged.
    """
    values, taken = [], set()
    for layer_name, prefix in prefixes.items():
        for variable, suffix, axes in (layout or torch_layout)(model.get_layer(layer_name)):
            name = prefix + suffix
            if name not in state:
                raise InputError(f"{source}: no tensor {name}; is it another network's file?")
            value = np.transpose(state[name], axes) if axes else state[name]
            if value.shape != tuple(variable.shape):
                raise InputError(
                    f"{source}: tensor {name} has shape {state[name].shape}, which does not fit "
                    f"{tuple(variable.shape)}; is it another network's file?"
                )
            values.append((variable, value))
            taken.add(name)
    left_out = [
        name for name in state if name not in taken and not name.endswith(".num_batches_tracked")
    ]
    for name in left_out:
        if not re.fullmatch(heads, name):
            raise InputError(f"{source}: no layer takes tensor {name}; is it another network's?")
    for variable, value in values:
        variable.assign(value)
    return left_out


def torch_layout(layer: keras.Layer) -> list[Place]:
    """PyTorch's: convolutions [out,in,kh,kw], dense layers [out,in], statistics `running_`."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return [
            (layer.gamma, ".weight", None),
            (layer.beta, ".bias", None),
            (layer.moving_mean, ".running_mean", None),
            (layer.moving_variance, ".running_var", None),
        ]
    axes = (1, 0) if isinstance(layer, keras.layers.Dense) else (2, 3, 1, 0)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        axes = (2, 3, 0, 1)
    bias = [(layer.bias, ".bias", None)] if layer.use_bias else []
    return [(layer.kernel, ".weight", axes), *bias]


def keras_layout(layer: keras.Layer) -> list[Place]:
    """Keras' own: each variable under its name, as it is."""
    return [(variable, f"/{variable.name}", None) for variable in layer.variables]
