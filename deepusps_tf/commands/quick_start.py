"""How a command loads Keras: in about half the time that `import keras` takes."""

import contextlib
import gc
import importlib
import sys

from data_prep.base.chatter import chatter_held
from data_prep.base.log import note, says_all

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
        import_quietly("keras")
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.freeze()
        if collects:
            gc.enable()


def import_quietly(name: str) -> None:
    """Imports a module that loads TensorFlow, unless it is.

    What TensorFlow says of itself meanwhile goes to the log file, unless all is to be said.
    """
    if name in sys.modules:
        return
    with contextlib.nullcontext([]) if says_all() else chatter_held() as held:
        importlib.import_module(name)
    for line in held:
        note("%s", line)
