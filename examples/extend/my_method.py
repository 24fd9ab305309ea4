"""A method of your own: a pixel is salient as its colour is rare, by global colour contrast.

deepusps_tf: --methods=rbd,my_method:contrast, started in the folder of this file.
"""

import numpy as np

LEVELS = 8  # a channel


def contrast(rgb: np.ndarray) -> np.ndarray:
    """Distance of a pixel's colour from all others: uint8 [H, W, 3] -> float32 [H, W] in [0, 1]."""
    bins = rgb // (256 // LEVELS)
    code = (bins[..., 0].astype(int) * LEVELS + bins[..., 1]) * LEVELS + bins[..., 2]
    colours, place, count = np.unique(code, return_inverse=True, return_counts=True)
    steps = np.stack([colours // LEVELS**2, colours // LEVELS % LEVELS, colours % LEVELS], axis=1)
    far = np.linalg.norm(steps[:, None] - steps[None], axis=-1) @ count / count.sum()
    spread = np.ptp(far) or 1.0
    return ((far - far.min()) / spread)[place.reshape(code.shape)].astype(np.float32)
