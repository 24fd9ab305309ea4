"""Fusion by a model of the labels' noise, after Zhang et al. (CVPR 2018, "USD").

The label of method m on photo i is the latent saliency and Gaussian noise, pixel by pixel:

    l_im(p) = s_i(p) + n_im(p),    n_im(p) ~ N(0, v_im).

The network's prediction y_i stands for s_i. Network and variances are estimated together, by
maximum likelihood, in turns: the network learns for an epoch under fixed variances from

    L_i = mean over m and p of  1/2 [ (l_im(p) - y_i(p))^2 / v_im + log v_im ],

and each variance is then set to where that is smallest,

    v_im = max(mean over p of (l_im(p) - y_i(p))^2, FLOOR),

with the residuals of that epoch's own training steps, so no extra forward pass is made. A method
that is far off on a photo so loses its say there.

USD samples noise maps, adds them to the prediction and takes the cross entropy with the label,
beside a divergence of the sampled from the measured variance. Here the noise is integrated out: the
likelihood of the same model in closed form, so that a run draws nothing at random and a stopped one
ends like one that was not.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from deepusps_tf.data.batches import DUPLICATE
from deepusps_tf.distribution.workers import ALONE, Workers
from deepusps_tf.fusion.base import Fusion, StepEstimates
from deepusps_tf.settings.parts import FUSIONS

START = 0.1  # every variance before the first estimate: all methods count alike
# A standard deviation of 0.1. Without a floor the likelihood has no maximum: the network could
# follow one method on one photo exactly, and nothing else would count there any more.
FLOOR = 0.01


@keras.saving.register_keras_serializable(package="deepusps_tf")
class NoiseLikelihood(keras.losses.Loss):
    """Negative log-likelihood of labels under Gaussian noise, without its constant.

    A value an image is returned, never a scalar: Keras then averages it rightly over replicas.
    """

    def call(self, y_true, y_pred):
        """Computes the loss of each image.

        Args:
            y_true: float32 [B, H, W, 2M], M labels in [0, 1] and the M variances of their noise,
                as `LabelNoise.beside` puts them.
            y_pred: float32 [B, H, W, 1] in [0, 1].

        Returns:
            float32 [B].
        """
        labels, variance = ops.split(y_true, 2, axis=-1)
        fit = ops.square(labels - y_pred) / variance + ops.log(variance)
        return 0.5 * ops.mean(fit, axis=(1, 2, 3))


class LabelNoise(StepEstimates):
    """The variance of each method's noise on each photo, a weight float32 [N, M].

    Args:
        photos: N.
        methods: M.
    """

    def __init__(self, photos: int, methods: int):
        super().__init__()
        self._shape = (photos, methods)
        self._squares = np.full(self._shape, np.nan, np.float32)

    def build(self, input_shape=None):
        """Makes the weight, at `START`."""
        start = keras.initializers.Constant(START)
        self.variance = self.add_weight(
            shape=self._shape, initializer=start, trainable=False, name="variance"
        )

    def restart(self) -> None:
        """Forgets what was estimated."""
        self.variance.assign(np.full(self._shape, START, np.float32))

    def in_step(self, labels, prediction, index):
        """Takes a step's residuals; puts the variances beside its labels."""
        squares = mean_squared_residuals(labels, prediction)
        tf.py_function(self.push, [index, squares], [])
        return self.beside(labels, index)

    def beside(self, labels, index):
        """Puts the variances of a batch beside its labels: [B, H, W, M] -> [B, H, W, 2M].

        A duplicate, whose place is not known, gets each method's mean over all photos.
        """
        known = ops.take(self.variance, ops.maximum(index, 0), axis=0)
        typical = ops.mean(self.variance, axis=0, keepdims=True)
        variance = ops.where(ops.expand_dims(index, 1) == DUPLICATE, typical, known)
        variance = ops.expand_dims(variance, (1, 2))
        return ops.concatenate([labels, ops.broadcast_to(variance, ops.shape(labels))], axis=-1)

    def push(self, index, squares) -> None:
        """Takes mean squared residuals [B, M] of photos [B]; called from the graph.

        Each photo has its own row, so that several replicas may call at once.
        """
        index, squares = index.numpy(), squares.numpy()
        own = index != DUPLICATE
        self._squares[index[own]] = squares[own]

    def estimate(self, workers: Workers = ALONE) -> None:
        """Sets the variances to those of the residuals pushed since the last call.

        Args:
            workers: those whose residuals make the whole.

        Raises:
            RuntimeError: if those of a photo are missing.
        """
        known = workers.total((~np.isnan(self._squares)).astype(np.int32))
        squares = workers.total(np.nan_to_num(self._squares))
        missing = np.flatnonzero((known == 0).any(axis=1))
        if missing.size:
            raise RuntimeError(f"no residuals of {missing.size} photos, photo {missing[0]} first")
        self.variance.assign(np.maximum(squares, FLOOR))
        self._squares[:] = np.nan


class NoiseEstimates(keras.callbacks.Callback):
    """Estimates the noise of a model in training anew after each epoch, before it is committed.

    Args:
        workers: those that train together.
    """

    def __init__(self, workers: Workers = ALONE):
        super().__init__()
        self._workers = workers

    def on_epoch_end(self, epoch, logs=None):
        """Estimates the noise."""
        self.model.step_estimates.estimate(self._workers)


def mean_squared_residuals(labels, prediction):
    """Computes the mean over pixels of (label - prediction)^2: [B, H, W, M], [.., 1] -> [B, M]."""
    return ops.mean(ops.square(labels - prediction), axis=(1, 2))


@FUSIONS.register("noise_model")
class NoiseModel(Fusion):
    """Learns all label sets at once, in each photo by how far they are from the prediction."""

    def make_loss(
        self, loss: Callable, *, beta_squared: float, threshold: keras.Variable
    ) -> keras.losses.Loss:
        """Makes the likelihood, which takes the place of `--loss` and cuts no labels."""
        return NoiseLikelihood()

    def estimates(self, photos: int, label_sets: int) -> LabelNoise:
        """Makes the variances."""
        return LabelNoise(photos, label_sets)

    def callbacks(self, workers: Workers) -> list[keras.callbacks.Callback]:
        """Makes what sets the variances after each epoch."""
        return [NoiseEstimates(workers)]
