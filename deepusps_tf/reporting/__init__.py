"""A run's page: tables, charts and pictures.

Imports rooms up to `evaluation`.
"""

import logging
import os

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"report": ["write_report"]}
)

# Where it cannot write at home, Matplotlib takes a temporary folder and logs two lines of it. Who
# named a folder should read them; to others they say of nothing that is wrong.
if "MPLCONFIGDIR" not in os.environ:
    logging.getLogger("matplotlib").addFilter(
        lambda record: record.funcName != "_get_config_or_cache_dir"
    )
