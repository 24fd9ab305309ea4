"""What every test needs before TensorFlow is first used, and the order of the files."""

import gc

import pytest

from deepusps_tf.distribution.devices import make_strategy


@pytest.fixture(scope="session", autouse=True)
def four_cpus():
    """Splits the CPU, which TensorFlow allows once in a process and only before its first use."""
    return make_strategy("cpu:4")


@pytest.fixture(scope="session", autouse=True)
def rare_collections(four_cpus):
    """Spares a tenth of the time: Python seeks garbage less often, and never among the modules."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(items):
    """Puts files that hold a slow test first, so that short ones fill up the end of a parallel run.

    `--no-loadscope-reorder` keeps that order, where xdist would begin with the most tests.
    """
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)
