"""Every setting of a run, what may stand together, and flagfiles.

Imports `data_prep`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "checks": ["checked"],
        "config": ["Config"],
        "flagfile": ["read_experiment", "read_flagfile"],
        "parts": ["BACKBONES", "FUSIONS", "LOSSES"],
    },
)
