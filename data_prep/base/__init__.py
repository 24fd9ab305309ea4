"""What every room stands on: a user's mistake in one line, how commands end, locks, processes.

Imports nothing else of this project.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["InputError", "PassingError"],
        "files": ["write_text"],
        "folder_lock": ["locked_folder"],
        "processes": ["cores", "worker_pool"],
        "registry": ["Registry"],
    },
)
