"""The feature networks, one family a file; each registers itself in `BACKBONES`.

A network turns a normalised photo into features, finest first, and declares their strides: one
tensor at stride 8 for the dilated residual networks (DRN, ResNet), a stride-8 skip and the
stride-16 features for EfficientNet-Lite. Imports `data_prep` and `settings`.
"""

from deepusps_tf.networks.backbones.backbone import Backbone
from deepusps_tf.networks.backbones.layers import LayerFactory

__all__ = ["Backbone", "LayerFactory"]
