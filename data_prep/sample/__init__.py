"""The embedded sample: composites of photographs that scikit-image and scikit-learn carry.

Imports `base`, `pictures` and `regions`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"sample": ["write_sample"]}
)
