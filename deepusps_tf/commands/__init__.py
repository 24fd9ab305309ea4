"""What each mode of the program does, a module each.

Imports every other room of `deepusps_tf` but `main`, which imports the one whose mode is asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"train": ["Run", "train_run"]}
)
