"""A trained network in use: exports and what they answer, prediction of photos.

Imports rooms up to `runs`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "export": ["export_model"],
        "predict": ["predict_photos"],
        "saliency_model": ["SaliencyModel", "load_model"],
    },
)
