"""Fusion by the label sets that fit: the mean loss without each photo's worst third of them."""

import keras
from keras import ops

from deepusps_tf.fusion.base import Fusion
from deepusps_tf.settings.parts import FUSIONS


@keras.saving.register_keras_serializable(package="deepusps_tf")
def without_worst_third(losses):
    """Averages the losses of each image over the label sets that it disagrees with least.

    The third of them (rounded down) with the largest loss is left out: one of three to five, none
    of two.

    Args:
        losses: float32 [B, M].

    Returns:
        float32 [B].
    """
    count = losses.shape[-1]
    return ops.mean(ops.sort(losses, axis=-1)[:, : count - count // 3], axis=-1)


@FUSIONS.register("trimmed_loss")
class TrimmedLoss(Fusion):
    """Learns all label sets at once, in each photo without those that fit it worst."""

    def average(self, losses):
        """Averages the losses of each image without its worst label sets: [B, M] -> [B]."""
        return without_worst_third(losses)
