"""A mask, a map of half of it, and figures made of them."""

import numpy as np

from deepusps_tf.scoring.figures import Evaluation, Figures
from deepusps_tf.scoring.outputs import score_outputs

MASK = np.zeros((1, 4, 4), np.float32)
MASK[:, :2] = 1
FOUND = MASK.copy()
FOUND[:, 1] = 0  # half of it: precision 1, recall 1/2


def evaluated(test_set, *maps, resolution="4x4", **more) -> list[Figures]:
    """Scores maps on three photos with `MASK`, as outputs 0, 1 and so on of one thing."""
    outputs = {f"output {place}": each for place, each in enumerate(maps)}
    return score_outputs([(outputs, MASK)] * 3, Evaluation(test_set, resolution, **more))
