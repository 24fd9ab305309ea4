"""Losses by pseudo-labels: the paper's F-beta, and what makes a Keras loss of any.

A loss is a function, entered by `@LOSSES.register(name)` or, in a file of your own, named by
`--loss=package.module:name`:

    def loss(labels, prediction, threshold, beta_squared): ...

    labels        float32 [B, H, W, M] in [0, 1], continuous labels of M label sets
    prediction    float32 [B, H, W, 1] in [0, 1]
    threshold     float32 [M], where each label set is cut into foreground and background
    beta_squared  float, `--beta_squared` or `--fusion_beta_squared`
    returns       float32 [B, M], the loss of each image with each label set

The last two are given by name; a loss that does not need them takes `**_`. It is computed with
`keras.ops`, of which it is given tensors. Label sets are averaged by whoever trains on them: a
fusion may leave some of them out.
"""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from data_prep.base.errors import InputError
from deepusps_tf.settings.parts import LOSSES

# Keeps precision and recall of an empty label or prediction finite, as in the release.
EPSILON = 1e-5


@LOSSES.register("f_beta")
@keras.saving.register_keras_serializable(package="deepusps_tf")
def f_beta(labels, prediction, threshold, beta_squared):
    """Computes L = 1 - F_beta of each image against each binarised pseudo-label.

    F_beta = (1 + beta^2) P R / (beta^2 P + R) with soft counts (paper, equations 1-4):
    TP = sum(p t), FP = sum(p (1 - t)), FN = sum((1 - p) t), where t = label > threshold.

    Confident pixels: where the prediction lies beyond its continuous label, on the label's own
    side of the threshold, it is replaced by the constant 1 (or 0). Such a pixel gives no gradient.

    Args:
        labels: float32 [B, H, W, M] in [0, 1], continuous.
        prediction: float32 [B, H, W, 1] in [0, 1].
        threshold: gamma, float32 [M] or one for all: `--threshold_scale` x the method's mean
            saliency, later 0.5.
        beta_squared: beta^2 itself; 1.0 in refinement, 4.0 in fusion.

    Returns:
        float32 [B, M] in [0, 1].
    """
    target = ops.cast(ops.greater(labels, threshold), prediction.dtype)
    prediction = confident(prediction, labels, target)
    true_positive = ops.sum(prediction * target, axis=(1, 2))
    predicted = ops.sum(prediction, axis=(1, 2))
    positive = ops.sum(target, axis=(1, 2))
    precision = true_positive / (predicted + EPSILON)
    recall = true_positive / (positive + EPSILON)
    score = (1 + beta_squared) * precision * recall
    return 1 - score / (beta_squared * precision + recall + EPSILON)


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


@keras.saving.register_keras_serializable(package="deepusps_tf")
def mean_of_sets(losses):
    """Averages the losses of each image over its label sets: [B, M] -> [B]."""
    return ops.mean(losses, axis=-1)


@keras.saving.register_keras_serializable(package="deepusps_tf")
class LabelLoss(keras.losses.Loss):
    """A loss of this module's form as one of Keras.

    A value an image is returned, never a scalar: Keras then averages it rightly over replicas.

    Args:
        loss: the function.
        beta_squared: beta^2.
        threshold: where labels are cut; one for all label sets or one each, M values. A
            `keras.Variable` is kept as it is, so that rounds can change it without tracing the
            step again.
        average: makes [B] of the losses [B, M].
    """

    def __init__(
        self,
        loss: Callable = f_beta,
        *,
        beta_squared: float,
        threshold: "float | Sequence[float] | keras.Variable",
        average: Callable = mean_of_sets,
        name: str = "label_loss",
        **options,
    ):
        super().__init__(name=name, **options)
        self.loss = loss
        self.beta_squared = beta_squared
        if not isinstance(threshold, keras.Variable):
            threshold = keras.Variable(threshold, trainable=False, name="threshold")
        self.threshold = threshold
        self.average = average

    def call(self, y_true, y_pred):
        """Computes the loss of each image.

        Args:
            y_true: float32 [B, H, W, M] in [0, 1], continuous labels of M label sets.
            y_pred: float32 [B, H, W, 1] in [0, 1].

        Returns:
            float32 [B].
        """
        threshold = ops.convert_to_tensor(self.threshold)
        losses = self.loss(y_true, y_pred, threshold=threshold, beta_squared=self.beta_squared)
        return self.average(losses)

    def get_config(self):
        """Returns what `from_config` needs to build the loss again; its functions are registered.

        Raises:
            ValueError: for a function that Keras cannot write down, as a lambda.
        """
        functions = {"loss": self.loss, "average": self.average}
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(f) for name, f in functions.items()},
            "beta_squared": self.beta_squared,
            "threshold": ops.convert_to_numpy(self.threshold).tolist(),
        }

    @classmethod
    def from_config(cls, config):
        """Builds the loss again."""
        functions = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("loss", "average")
        }
        return cls(**{**config, **functions})


def find_loss(name: str) -> Callable:
    """Finds the loss that `--loss` names and tries it once.

    Raises:
        InputError: there is none, or it gives no value for each image and label set.
    """
    loss = LOSSES.find(name)
    if not callable(loss):
        raise InputError(f"--loss={name}: not a function; see deepusps_tf/networks/losses.py")
    labels, prediction = ops.full((2, 8, 8, 3), 0.25), ops.full((2, 8, 8, 1), 0.75)
    try:
        losses = loss(labels, prediction, threshold=ops.full((3,), 0.5), beta_squared=1.0)
    except Exception as error:  # whatever a user's function may raise
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"--loss={name}: fails ({type(error).__name__}: {reason}); it is called as "
            "loss(labels, prediction, threshold=, beta_squared=)"
        ) from error
    shape = tuple(ops.shape(losses))
    if shape != (2, 3):
        raise InputError(
            f"--loss={name}: gave values of shape {shape} for 2 photos with 3 label sets; give one "
            "each, shape (2, 3)"
        )
    return loss
