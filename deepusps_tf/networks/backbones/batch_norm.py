"""BatchNorm by TensorFlow's fused kernel, where there is one to be had."""

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="deepusps_tf")
class BatchNorm(keras.layers.BatchNormalization):
    """Keras' BatchNormalization over the last axis, with the same variables and figures.

    On the TensorFlow backend, Keras builds the layer from elementwise operations, which take
    about a third of a training step on a CPU; here the fused kernel does the work. Synchronised
    statistics and the other backends keep Keras' own way. Inputs are float [B,H,W,C].
    """

    def call(self, inputs, training=None, mask=None):  # noqa: D102
        fused = keras.backend.backend() == "tensorflow" and not self.synchronized
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        learning = bool(training and self.trainable)
        moving = () if learning else (self.moving_mean, self.moving_variance)
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            ops.convert_to_tensor(self.gamma),
            ops.convert_to_tensor(self.beta),
            *(ops.convert_to_tensor(value) for value in moving),
            epsilon=self.epsilon,
            is_training=learning,
        )
        if learning:
            # The kernel's variance divides by n - 1, Keras' by n.
            n = ops.cast(ops.size(inputs) // inputs.shape[-1], variance.dtype)
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance * ((n - 1) / n))
        return y

    def _move(self, moving, value):
        moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
