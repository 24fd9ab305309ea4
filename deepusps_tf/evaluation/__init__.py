"""Scores of finished runs, exports and maps on any labelled photos, and their comparison.

Imports rooms up to `training`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"comparison": ["compare"], "evaluate": ["evaluations"]}
)
