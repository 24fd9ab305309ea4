"""Handcrafted saliency methods: each is `saliency(rgb uint8 [H, W, 3]) -> float32 [H, W]`."""

from collections.abc import Callable

import numpy as np

from data_prep.methods import dsr, hs, mc, rbd

METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rbd": rbd.saliency,
    "dsr": dsr.saliency,
    "mc": mc.saliency,
    "hs": hs.saliency,
}
