"""A page on this machine: a photo is tried, a run is looked at.

Imports rooms up to `reporting`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"app": ["make_app"], "trials": ["Trials"]}
)
