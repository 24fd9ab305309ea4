r"""A loss of your own: cross-entropy with the labels as they are, uncut.

PYTHONPATH=examples/extend python -m deepusps_tf.main --flagfile=configs/cpu.flags \
    --images=DIR --loss=my_loss:cross_entropy

A file in the current folder needs no PYTHONPATH. See deepusps_tf/networks/losses.py.
"""

from keras import ops


def cross_entropy(labels, prediction, **_):
    """Labels [B, H, W, M] and prediction [B, H, W, 1] -> a loss an image and label set [B, M]."""
    prediction = ops.clip(prediction, 1e-6, 1 - 1e-6)
    right = labels * ops.log(prediction) + (1 - labels) * ops.log(1 - prediction)
    return -ops.mean(right, axis=(1, 2))
