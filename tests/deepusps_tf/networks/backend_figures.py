"""The figures of a network on whichever Keras backend is set, to compare backends.

python -m tests.deepusps_tf.networks.backend_figures BACKBONE WEIGHTS OUTPUT
"""

import sys

import keras
import numpy as np

from deepusps_tf.networks.losses import LabelLoss
from deepusps_tf.networks.saliency_network import build_model
from deepusps_tf.scoring.metrics import image_scores

SIDE = 32


def figures(backbone: str, weights: str) -> dict[str, np.ndarray]:
    """Maps, losses and scores of four images, and the loss and scores after one step of SGD."""
    random = np.random.default_rng(0)
    image = random.uniform(0, 255, (4, SIDE, SIDE, 3)).astype(np.float32)
    label = random.random((4, 8, 8, 2), np.float32).repeat(SIDE // 8, 1).repeat(SIDE // 8, 2)
    mask = (label[..., :1] > 0.5).astype(np.float32)
    loss = LabelLoss(beta_squared=4.0, threshold=0.4)
    model = build_model(backbone=backbone, size=SIDE, pretrained=weights)
    model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=keras.backend.backend() == "jax")

    def measure(stage: str) -> dict[str, np.ndarray]:
        probability = model.predict_on_batch(image)
        scores = image_scores(probability, mask)._asdict()
        made = {"map": probability, "loss": loss.call(label, probability), **scores}
        return {f"{stage} {name}": np.asarray(value) for name, value in made.items()}

    before = measure("before")
    trained = {"training loss": np.asarray(model.train_on_batch(image, label))}
    return {**before, **trained, **measure("after")}


if __name__ == "__main__":
    np.savez(sys.argv[3], **figures(sys.argv[1], sys.argv[2]))
