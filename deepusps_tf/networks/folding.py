"""A network that only predicts: BatchNorm folded into the convolutions before it."""

import collections

import keras
import numpy as np

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def inference_twin(network: keras.Model) -> keras.Model:
    """Makes a network of the same outputs as `network` in inference mode, by less arithmetic.

    BatchNorm with fixed statistics is gamma (x - mean) / sqrt(variance + epsilon) + beta, which a
    convolution before it does as well, with other weights and a bias.

    Args:
        network: of one graph. A BatchNorm that does not come right behind a convolution, or is not
            the only one to take its output, stays as it is.

    Returns:
        The twin, with weights of its own. It cannot be trained to the same end.
    """
    pairs = _pairs(network)
    normalised, norms = ({pair[side].name for pair in pairs} for side in (0, 1))

    def twin_layer(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if layer.name in normalised:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: keras.Layer, *inputs, **options) -> keras.KerasTensor:
        if layer.name in norms:
            return inputs[0]
        return layer(*inputs, **options)

    twin = keras.models.clone_model(network, clone_function=twin_layer, call_function=call)
    copy_folded(network, twin)
    return twin


def copy_folded(network: keras.Model, twin: keras.Model) -> None:
    """Gives a twin the weights of the network it was made of, as they are now."""
    folded = set()
    for layer, norm in _pairs(network):
        gamma, beta, mean, variance = map(_float64, norm.get_weights())
        kernel, *bias = map(_float64, layer.get_weights())
        scale = gamma / np.sqrt(variance + norm.epsilon)
        # A depthwise kernel ends in (channels, 1), any other in its outputs.
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        scaled = kernel * (scale[:, None] if depthwise else scale)
        shifted = ((bias[0] if bias else 0) - mean) * scale + beta
        twin.get_layer(layer.name).set_weights([scaled, shifted])
        folded |= {layer.name, norm.name}
    for layer in network.layers:
        if layer.name not in folded and layer.weights:
            twin.get_layer(layer.name).set_weights(layer.get_weights())


def _float64(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64)


def _pairs(network: keras.Model) -> list[tuple[keras.Layer, keras.Layer]]:
    """Lists each BatchNorm behind the convolution whose output it alone takes."""
    makers = {
        id(layer.output): layer
        for layer in network.layers
        if isinstance(layer, _CONVOLUTIONS) and layer.activation is keras.activations.linear
    }
    takers = collections.Counter(
        id(tensor) for layer in network.layers for tensor in keras.tree.flatten(layer.input)
    )
    takers.update(id(output) for output in network.outputs)
    return [
        (makers[id(layer.input)], layer)
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.center
        and layer.scale
        and id(layer.input) in makers
        and takers[id(layer.input)] == 1
    ]
