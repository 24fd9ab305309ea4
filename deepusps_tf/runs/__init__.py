"""What lies on disk of a run: its settings and lock, committed epochs, finished rounds.

Imports rooms up to `labels`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "round_result": ["RoundResult", "load_fusion"],
        "workdir": ["saved_run"],
    },
)
