"""How the methods' labels make one network, a file a way.

Imports rooms up to `scoring`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"base": ["FusedLabels", "Fusion", "make_fusion"]}
)
