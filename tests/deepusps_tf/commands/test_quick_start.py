import subprocess
import sys

PROGRAM = """
import gc, sys
from deepusps_tf.commands.quick_start import import_keras
import_keras()
import keras, tensorflow, deepusps_tf.main
print(sorted({"sklearn", "matplotlib.pyplot", "jax"} & set(sys.modules)), gc.isenabled())
import matplotlib.pyplot, sklearn.base
loaded = matplotlib.pyplot.plot, sklearn.base.BaseEstimator
import_keras()
print(matplotlib.pyplot.plot is loaded[0], float(keras.ops.sum(keras.ops.ones(3))))
"""


def test_what_is_spared_is_not_loaded_and_can_be_imported_later():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[] True", "True 3.0"]
