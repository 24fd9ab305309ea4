"""The paper's fusion: the mean loss over the label sets of all methods."""

from deepusps_tf.fusion.base import Fusion
from deepusps_tf.settings.parts import FUSIONS


@FUSIONS.register("mean_loss")
class MeanLoss(Fusion):
    """Learns all label sets at once, cut at 0.5, by the mean of their losses."""
