"""A run's page: tables, charts and pictures.

Imports rooms up to `evaluation`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"report": ["write_report"]}
)
