"""DeepUSPS in TensorFlow/Keras: a salient-object segmentation model from unlabelled photos."""

import os

__version__ = "0.2.0"

# TensorFlow reads this at its import. It leaves oneDNN's convolutions off on some CPUs, where they
# make a training step up to 1.6 times as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def load(path):
    """Loads an exported model; see `deepusps_tf.serving.saliency_model.load_model`.

    Args:
        path: `<workdir>/export`, whose latest version is taken, or one version in it.

    Returns:
        A model whose `predict(rgb)` maps uint8 [H, W, 3] to float32 [H, W] in [0, 1].
    """
    from deepusps_tf.serving.saliency_model import load_model  # TensorFlow takes seconds to import

    return load_model(path)
