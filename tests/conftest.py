"""What every test needs before TensorFlow is first used."""

import pytest

from deepusps_tf.distribution.devices import make_strategy


@pytest.fixture(scope="session", autouse=True)
def four_cpus():
    """Splits the CPU, which TensorFlow allows once in a process and only before its first use."""
    return make_strategy("cpu:4")
