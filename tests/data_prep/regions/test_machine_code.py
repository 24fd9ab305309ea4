"""Compiled functions, wherever their machine code may be kept."""

import re
from pathlib import Path

import numba
import pytest
from numba.core import caching

from data_prep.regions.machine_code import compiled

ROOT = Path(__file__).parents[3]


def double(x):
    return x + x


def refuse(*_):
    raise PermissionError("a read-only folder")


def test_machine_code_is_kept_in_the_folder_that_the_user_names(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert compiled(double)(21) == 42
    assert len(list(tmp_path.rglob("*double*.nbc"))) == 1


def test_it_is_left_out_where_no_folder_can_be_written(monkeypatch):
    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refuse)
    with pytest.raises(RuntimeError, match="no locator"):
        numba.njit(cache=True)(double)
    assert compiled(double)(21) == 42


def test_another_mistake_of_the_cache_is_told(monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "gone.Locator")
    with pytest.raises(RuntimeError, match=r"gone\.Locator"):
        compiled(double)


def test_one_module_decides_for_all():
    naming = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "data_prep").rglob("*.py")
        if re.search(r"^\s*(import|from) numba", path.read_text(), re.MULTILINE)
    ]
    assert naming == ["data_prep/regions/machine_code.py"]
