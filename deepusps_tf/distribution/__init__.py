"""Which devices and which processes a run trains on.

Imports `settings`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"devices": ["make_strategy"], "workers": ["Workers"]}
)
