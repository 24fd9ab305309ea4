"""Dilated convolution by one TensorFlow operation, where that can be had."""

import functools

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="deepusps_tf")
class DilatedConv2D(keras.layers.Conv2D):
    """Keras' Conv2D, with the same variables and figures, for dilation rates above 1.

    On the TensorFlow backend Keras cuts the image into as many small ones as the dilation skips
    pixels, because not every kernel has the gradient of a dilated convolution. cuDNN and oneDNN
    have it, and take two thirds of the time. Without them, and in bfloat16 on a processor that
    lacks it, Keras' own way is kept.
    """

    def convolution_op(self, inputs, kernel):  # noqa: D102
        if keras.backend.backend() != "tensorflow" or not _has_dilated_gradients(inputs.dtype):
            return super().convolution_op(inputs, kernel)
        return tf.nn.conv2d(
            inputs, kernel, self.strides, self.padding.upper(), dilations=self.dilation_rate
        )


@functools.cache
def _has_dilated_gradients(dtype) -> bool:
    with tf.init_scope():
        x = tf.zeros([1, 4, 4, 1], dtype)
        try:
            tf.raw_ops.Conv2DBackpropFilter(
                input=x,
                filter_sizes=[3, 3, 1, 1],
                out_backprop=x,
                strides=[1] * 4,
                padding="SAME",
                dilations=[1, 2, 2, 1],
            )
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
    return True
