"""An installation that can only predict, and what is said where more is asked of it."""

import sys
from importlib import metadata

import pytest
from packaging.utils import canonicalize_name

from data_prep.base.errors import InputError
from data_prep.base.installation import BEYOND_PREDICTING, check_whole
from tests.locks import needs


def test_a_whole_installation_does_all():
    check_whole("train")


def test_one_that_predicts_says_what_it_lacks(monkeypatch):
    for name in ("numba", "scipy"):
        monkeypatch.setitem(sys.modules, name, None)  # what Python takes for "not installed"
    with pytest.raises(InputError) as refusal:
        check_whole("train")
    assert str(refusal.value) == (
        "train: this installation can only predict, it lacks numba, scipy; "
        "install the rest: pip install -r requirements.txt"
    )


def test_what_it_may_lack_is_what_only_the_whole_requires():
    predicts = {need.name for need in needs("requirements-predict.txt")}
    beyond = {canonicalize_name(need.name) for need in needs("requirements.txt")} - {
        canonicalize_name(name) for name in predicts
    }
    # The networks' weights, which are asked for where they are read.
    beyond = {name for name in beyond if not name.endswith("-pytorch-model")}
    modules = metadata.packages_distributions()
    named = {canonicalize_name(modules[name][0]) for name in BEYOND_PREDICTING}
    assert named == beyond
