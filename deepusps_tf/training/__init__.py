"""The schedule of a run: label rounds, joint rounds, the final training, and how one trains.

Imports rooms up to `fusion`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"schedule": ["run_rounds"], "start": ["check_settings"], "trainer": ["Trainer"]},
)
