"""What the packages export, and the order that they are promised to import in."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import data_prep
import deepusps_tf

ROOT = Path(__file__).parents[1]
PACKAGES = [
    f"{package.__name__}.{module.name}"
    for package in (data_prep, deepusps_tf)
    for module in pkgutil.iter_modules(package.__path__)
    if module.ispkg and module.name != "beam"
]


@pytest.mark.parametrize("name", PACKAGES)
def test_exports_are_there(name):
    package = importlib.import_module(name)
    assert package.__all__
    for exported in package.__all__:
        assert getattr(package, exported) is not None


def test_importing_all_packages_loads_nothing_heavy():
    code = (
        f"import sys, {', '.join(PACKAGES)}\n"
        "print(sorted({'tensorflow', 'keras', 'numba', 'matplotlib'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
