"""A feature network of your own, at stride 4: two strided convolutions and two that look around.

deepusps_tf: --backbone=my_backbone:small --pretrained=none, started in the folder of this file.
"""

import keras

from deepusps_tf.networks.backbones import Backbone


def features(image, factory):
    """A normalised photo [B, H, W, 3] -> its features [B, H / 4, W / 4, 32]."""
    x = image
    for number, (strides, dilation) in enumerate([(2, 1), (2, 1), (1, 2), (1, 4)], start=1):
        name = f"block{number}"
        x = factory.conv(x, 32, 3, strides=strides, dilation=dilation, name=f"{name}.conv")
        x = factory.batch_norm(x, epsilon=1e-3, name=f"{name}.norm")
        x = keras.layers.ReLU()(x)
    return (x,)


small = Backbone(name="small", build=features, stride=4, head_fan=2 * 32)
