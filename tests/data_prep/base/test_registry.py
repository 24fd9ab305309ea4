import importlib
import sys

import pytest

from data_prep.base.errors import InputError
from data_prep.base.registry import Registry


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """A registry whose built-in `red` lies in a module of its own, in the current folder."""
    (tmp_path / "reds.py").write_text(
        "from colours_here import COLOURS\n\n\n@COLOURS.register('red')\ndef red():\n    return 1\n"
    )
    (tmp_path / "colours_here.py").write_text(
        "from data_prep.base.registry import Registry\n\n"
        "COLOURS = Registry('colour', {'red': 'reds'})\n"
    )
    (tmp_path / "own.py").write_text("def blue():\n    return 3\n")
    (tmp_path / "broken.py").write_text("def (\n")
    (tmp_path / "needy.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "wrong.py").write_text("import os\n\nX = os.no_such_thing\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("colours_here").COLOURS
    for name in ("reds", "colours_here", "own", "broken", "needy", "wrong"):
        sys.modules.pop(name, None)


def test_a_built_in_part_is_imported_when_it_is_asked_for(colours):
    assert colours.names == ("red",)
    assert "reds" not in sys.modules
    assert colours.find("red")() == 1


def test_registered_parts_are_found_beside_the_built_in(colours):
    green = colours.register("green")(lambda: 2)
    assert colours.names == ("red", "green")
    assert colours.find("green") is green


def test_a_name_is_given_once():
    colours = Registry("colour", {})
    part = colours.register("red")(lambda: 1)
    assert colours.register("red")(part) is part

    def other():
        return 2

    with pytest.raises(ValueError, match="two parts of the name red"):
        colours.register("red")(other)


def test_a_part_of_the_users_own(colours, monkeypatch):
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert colours.find("own:blue")() == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mauve", "--colour=mauve: unknown; choose from red, or write package.module:name"),
        ("nowhere:blue", "--colour=nowhere:blue: no module nowhere; run where it can be imported"),
        ("own:mauve", "--colour=own:mauve: module own holds no mauve"),
        ("broken:blue", r"--colour=broken:blue: cannot be imported \(SyntaxError: invalid"),
        (
            "needy:blue",
            r"needy:blue: cannot be imported \(ModuleNotFoundError: No module named 'not_",
        ),
        (
            "wrong:blue",
            r"--colour=wrong:blue: cannot be imported \(AttributeError: module 'os' has",
        ),
        (":blue", "--colour=:blue: cannot be imported"),
    ],
)
def test_what_is_not_there_is_named(colours, name, message):
    with pytest.raises(InputError, match=message):
        colours.find(name)


def test_a_name_is_checked_without_importing_its_part(colours):
    colours.check("red")
    colours.check("not_there:blue")
    with pytest.raises(InputError, match="--colour=pink: unknown; choose from red, or write"):
        colours.check("pink")
    assert "reds" not in sys.modules
