"""One absl flag for each setting: defined, read and written as a flagfile here."""

import dataclasses
import typing
from pathlib import Path

from absl import flags

from data_prep.base.errors import InputError, damage_named
from deepusps_tf.settings.checks import checked
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.setting import declared, flag_name


def define_flags(flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines one absl flag for each Config field on `flag_values`."""
    hints = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        text, choices = declared(field).help, declared(field).choices
        name, kind = flag_name(field), hints[field.name]
        options = {"flag_values": flag_values}
        if choices:
            flags.DEFINE_enum(name, field.default, choices, text, **options)
        elif kind is bool:
            flags.DEFINE_bool(name, field.default, text, **options)
        elif kind is int:
            flags.DEFINE_integer(name, field.default, text, **options)
        elif kind is float:
            flags.DEFINE_float(name, field.default, text, **options)
        elif typing.get_origin(kind) is tuple:
            flags.DEFINE_list(name, [str(v) for v in field.default], text, **options)
        else:
            flags.DEFINE_string(name, field.default, text, **options)


def from_flags(flag_values: flags.FlagValues = flags.FLAGS) -> Config:
    """Reads parsed flags into a Config.

    Raises:
        InputError: where the flags contradict each other or a list holds a bad value.
    """
    values = {}
    hints = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        value = flag_values[flag_name(field)].value
        if typing.get_origin(hints[field.name]) is tuple:
            kind = typing.get_args(hints[field.name])[0]
            try:
                value = tuple(kind(part) for part in value)
            except ValueError as error:
                raise InputError(f"--{field.name}: {error}") from error
        values[field.name] = value
    return checked(Config(**values))


def read_flagfile(path: Path) -> Config:
    """Reads a flagfile into a Config, without touching the flags of this process."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such flagfile")
    flag_values = flags.FlagValues()
    define_flags(flag_values)
    flags.DEFINE_string("flagfile", None, "", flag_values=flag_values)
    try:
        with damage_named(path, "write it again or delete it"):
            flag_values(["main", f"--flagfile={path}"])
    except flags.Error as error:
        raise InputError(f"{path}: {error}") from error
    return from_flags(flag_values)


def flagfile_text(config: Config) -> str:
    """Writes settings as a flagfile that `read_flagfile` turns back into the same Config."""
    lines = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value is not None:
            lines.append(f"--{flag_name(field)}={_to_text(value)}\n")
    return "".join(lines)


def _to_text(value) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
