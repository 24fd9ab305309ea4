"""The image-level F-beta loss of the paper, with the release's confident-pixel rule."""

from collections.abc import Sequence

import keras
from keras import ops

# Keeps precision and recall of an empty label or prediction finite, as in the release.
EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="deepusps_tf")
class FBetaLoss(keras.losses.Loss):
    """L = 1 - F_beta of each image against binarised pseudo-labels, averaged over label sets.

    F_beta = (1 + beta^2) P R / (beta^2 P + R) with soft counts (paper, equations 1-4):
    TP = sum(p t), FP = sum(p (1 - t)), FN = sum((1 - p) t), where t = label > threshold.

    Confident pixels: where the prediction lies beyond its continuous label, on the label's own
    side of the threshold, it is replaced by the constant 1 (or 0). Such a pixel gives no gradient.

    A value an image is returned, never a scalar: Keras then averages it rightly over replicas.

    With `trimmed`, the third of an image's label sets (rounded down) that it disagrees with most is
    left out of that image's average: one of three to five, none of two.

    Args:
        beta_squared: beta^2 itself; 1.0 in refinement, 4.0 in fusion.
        threshold: gamma, where labels are cut: `--threshold_scale` x the method's mean saliency,
            later 0.5. One for all label sets or one each, M values. Kept in a variable, so that
            rounds can change it without tracing the step again.
        trimmed: whether the worst label sets of each image are left out.
    """

    def __init__(
        self,
        beta_squared: float,
        threshold: float | Sequence[float],
        trimmed: bool = False,
        name: str = "f_beta_loss",
        **options,
    ):
        super().__init__(name=name, **options)
        self.beta_squared = beta_squared
        self.trimmed = trimmed
        self.threshold = keras.Variable(threshold, trainable=False, name="threshold")

    def call(self, y_true, y_pred):
        """Computes the loss of each image.

        Args:
            y_true: float32 [B, H, W, M] in [0, 1], continuous labels of M methods.
            y_pred: float32 [B, H, W, 1] in [0, 1].

        Returns:
            float32 [B] in [0, 1].
        """
        target = ops.cast(ops.greater(y_true, self.threshold), y_pred.dtype)
        prediction = confident(y_pred, y_true, target)
        true_positive = ops.sum(prediction * target, axis=(1, 2))
        predicted = ops.sum(prediction, axis=(1, 2))
        positive = ops.sum(target, axis=(1, 2))
        precision = true_positive / (predicted + EPSILON)
        recall = true_positive / (positive + EPSILON)
        f_beta = (1 + self.beta_squared) * precision * recall
        f_beta = f_beta / (self.beta_squared * precision + recall + EPSILON)
        losses = 1 - f_beta
        if self.trimmed:
            count = losses.shape[-1]
            losses = ops.sort(losses, axis=-1)[:, : count - count // 3]
        return ops.mean(losses, axis=-1)

    def get_config(self):
        """Returns what `from_config` needs to build the loss again."""
        return {
            **super().get_config(),
            "beta_squared": self.beta_squared,
            "threshold": ops.convert_to_numpy(self.threshold).tolist(),
            "trimmed": self.trimmed,
        }


def confident(prediction, label, target):
    """Replaces predictions that are surer than their label, and right, by their target.

    Args:
        prediction: float32 [B, H, W, 1] in [0, 1].
        label: float32 [B, H, W, M] in [0, 1], continuous.
        target: float32 [B, H, W, M], the binarised label.

    Returns:
        float32 [B, H, W, M]; replaced values carry no gradient.
    """
    surer = ops.where(target > 0, prediction > label, prediction < label)
    return ops.where(surer, target, prediction)
