import dataclasses
import inspect
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from data_prep.base.registry import Registry
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.setting import AT_LEAST_1, GROUPS, MODES, declared, flag_name, setting

DECLARED = {"modes": ("train",), "changes": "nothing", "group": "run"}
FIELDS = {field.name: field for field in dataclasses.fields(Config)}


@pytest.mark.parametrize("left_out", DECLARED)
def test_a_setting_must_say_who_takes_it_and_what_it_changes(left_out):
    without = {name: value for name, value in DECLARED.items() if name != left_out}
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{left_out}'"):
        setting(0, "Help.", **without)
    assert inspect.signature(setting).parameters[left_out].default is inspect.Parameter.empty


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modes": ("train", "serve")}, "declares serve: choose from train, evaluate, predict"),
        ({"changes": "speed"}, "declares speed: choose from labels, training, scoring, nothing"),
        ({"group": "misc"}, "declares misc: choose from run, photos and records"),
    ],
)
def test_what_a_setting_declares_must_be_there(changes, message):
    with pytest.raises(ValueError, match=message):
        setting(0, "Help.", **{**DECLARED, **changes})


def test_every_field_is_a_declared_setting():
    for name, field in FIELDS.items():
        assert declared(field).modes and declared(field).text.endswith((".", ")")), name
    assert {declared(field).group for field in FIELDS.values()} == set(GROUPS)
    assert set(declared(FIELDS["mode"]).modes) == set(MODES)


def test_every_mode_is_a_command():
    package = Path(inspect.getfile(Config)).parents[1]
    for mode in MODES:
        assert (package / f"commands/{mode}.py").is_file()


def test_a_modes_flags_are_those_that_it_reads():
    def taken_by(mode):
        return {flag_name(field) for field in FIELDS.values() if mode in declared(field).modes}

    assert taken_by("export") == {"mode", "workdir", "format", "serving_refinement"}
    crf = {"crf", "crf_iterations", "crf_bilateral_sxy", "crf_processes"}
    assert taken_by("predict") == {
        *("mode", "images", "recursive", "model", "output", "as", "strict", "summary"),
        *crf,
    }
    assert taken_by("studio") == {"mode", "model", "workdir", "records", "port"}
    assert taken_by("table") == {"mode", "workdirs", "output", "crf"}
    report = {"workdir", "experiment", "records", "compare", "crf_processes"}
    assert taken_by("report") == {"mode", *report}
    photos = {"images", "masks", "test_images", "test_masks", "recursive"}
    made = {"workdir", "records", "model", "output", "maps", "test_set", "resolution", "batch_size"}
    assert taken_by("evaluate") == {"mode", *photos, *made, *crf}
    later = {"model", "output", "maps", "test_set", "resolution", "as", "workdirs", "format"}
    later |= {"strict", "summary", "port"}
    assert taken_by("train") == {flag_name(field) for field in FIELDS.values()} - later


def test_values_are_checked_by_what_is_declared():
    ranged = declared(setting(1, "Help.", rules=[AT_LEAST_1], **DECLARED))
    ranged.check("size", 1)
    with pytest.raises(InputError, match=r"^--size must be at least 1$"):
        ranged.check("size", 0)
    chosen = declared(setting("a", "Help.", choices=("a", "b"), **DECLARED))
    with pytest.raises(InputError, match=r"^--as=c: choose from a, b$"):
        chosen.check("as", "c")


def test_parts_are_named_in_help_and_may_be_a_users_own():
    colours = Registry("colour", {"red": "not_there"})
    part = declared(setting("red", "Colour.", registry=colours, **DECLARED))
    assert part.help == "Colour. One of red, or package.module:name of your own."
    part.check("colour", "red")
    part.check("colour", "own.colours:blue")
    with pytest.raises(InputError, match="--colour=blue: unknown; choose from red"):
        part.check("colour", "blue")
