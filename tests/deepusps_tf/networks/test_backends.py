import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from deepusps_tf.networks.saliency_network import build_model
from tests.deepusps_tf.networks.backend_figures import SIDE, figures
from tests.deepusps_tf.networks.shallow import DRN, LITE

ROOT = pathlib.Path(__file__).parents[3]

WITHOUT_TENSORFLOW = """
import runpy, sys
class NoTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoTensorFlow())
runpy.run_module("tests.deepusps_tf.networks.backend_figures", run_name="__main__")
"""
QUICK_COMPILATION = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("backbone", [LITE, DRN])
def test_jax_without_tensorflow_gives_the_same_figures(backbone, tmp_path):
    weights, there = tmp_path / "network.weights.h5", tmp_path / "jax.npz"
    network = build_model(backbone=backbone, size=SIDE, seed=3)
    if backbone == DRN:
        # A random one saturates its softmax; one step then makes thousandths of the last bits, on
        # one backend with other kernels too.
        head = network.get_layer("seg")
        head.set_weights([weight / 50 for weight in head.get_weights()])
    network.save_weights(weights)
    expected = figures(backbone, weights)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, backbone, weights, there],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": QUICK_COMPILATION},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    made = np.load(there)
    assert sorted(made) == sorted(expected) and len(expected) == 2 * 9 + 1
    for name, value in expected.items():
        np.testing.assert_allclose(made[name], value, rtol=0, atol=1e-4, err_msg=name)
    assert np.abs(expected["after map"] - expected["before map"]).max() > 1e-3
