"""Functions that Numba compiles, and where their machine code is kept."""

from collections.abc import Callable

import numba


def compiled(function: Callable) -> Callable:
    """Compiles a function at its first call, and keeps the machine code for other processes.

    It is kept in the first folder that can be written: the one that `NUMBA_CACHE_DIR` names,
    `__pycache__` beside the module, the user's cache folder (`XDG_CACHE_HOME`). Where none can, as
    in a container that is read-only, every process compiles anew.

    Args:
        function: of arrays and numbers, in a module's file.
    """
    dispatcher = numba.njit(function)
    try:
        dispatcher.enable_caching()
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
    return dispatcher
