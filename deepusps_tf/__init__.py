"""DeepUSPS in TensorFlow/Keras: a salient-object segmentation model from unlabelled photos."""

import os

# TensorFlow reads this at its import. It leaves oneDNN's convolutions off on some CPUs, where they
# make a training step up to 1.6 times as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
