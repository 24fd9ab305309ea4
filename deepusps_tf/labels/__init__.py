"""From predictions to labels: the CRF and its processes, the moving average, label shards.

Imports rooms up to `data`. `crf` and `crf_pool` stay free of TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "crf": ["CrfSettings", "refine"],
        "crf_pool": ["CrfPool", "start_crf"],
        "moving_average": ["MovingAverage"],
    },
)
