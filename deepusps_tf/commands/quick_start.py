"""How a command loads Keras: in about half the time that `import keras` takes."""

import gc
import importlib
import sys

# TensorFlow and Keras take these for wrappers, plots and converters that no command uses, and go
# without where one is not installed.
UNUSED = ("sklearn", "matplotlib.pyplot", "jax")


def import_keras() -> None:
    """Imports TensorFlow and Keras, unless they are, without the packages they load for nothing.

    Each of `UNUSED` seems not to be installed meanwhile; afterwards it can be imported as ever. No
    garbage is sought among the modules, neither now nor later: they stay.
    """
    if "keras" in sys.modules:
        return
    hidden = [name for name in UNUSED if name not in sys.modules]
    collects = gc.isenabled()
    gc.disable()
    sys.modules.update(dict.fromkeys(hidden))  # None is what Python takes for "cannot be found"
    try:
        importlib.import_module("keras")
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.freeze()
        if collects:
            gc.enable()
