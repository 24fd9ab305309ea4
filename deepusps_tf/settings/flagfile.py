"""One absl flag for each setting: defined, read and written as a flagfile here."""

import csv
import dataclasses
import io
import typing
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from data_prep.base.command_line import flag_mistake
from data_prep.base.errors import InputError, damage_named
from data_prep.base.log import NORMAL, VERBOSITY
from deepusps_tf.settings.checks import checked
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.setting import declared, flag_name
from deepusps_tf.settings.shipped import (
    inline_flagfiles,
    named_flagfiles,
    without_flagfiles,
)


def define_flags(flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines one absl flag for each Config field on `flag_values`."""
    hints = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        text, choices = declared(field).help, declared(field).choices
        name, kind = flag_name(field), hints[field.name]
        options = {"flag_values": flag_values}
        kinds = (kind, *typing.get_args(kind))
        if choices:
            flags.DEFINE_enum(name, field.default, choices, text, **options)
        elif typing.get_origin(kind) is tuple:
            flags.DEFINE_list(name, [str(v) for v in field.default], text, **options)
        elif bool in kinds:
            flags.DEFINE_bool(name, field.default, text, **options)
        elif int in kinds:
            flags.DEFINE_integer(name, field.default, text, **options)
        elif float in kinds:
            flags.DEFINE_float(name, field.default, text, **options)
        else:
            flags.DEFINE_string(name, field.default, text, **options)


def parse_arguments(
    argv: Sequence[str], *, mode: str | None = None, flag_values: flags.FlagValues = flags.FLAGS
) -> list[str]:
    """Parses a command line, in which a mode's flags alone may stand; flagfiles hold any.

    An empty value, which takes back a flagfile's, may always stand there.

    Args:
        argv: the program's name and its arguments.
        mode: what to do, whatever flagfiles say; None: what the flags say.
        flag_values: gets what the flags say.

    Returns:
        The program's name.

    Raises:
        InputError: where flags are unknown, out of their type, or of another mode, where a word is
            no flag, and where a flagfile is missing.
    """
    program, *arguments = argv
    try:
        words = flag_values([program, *inline_flagfiles(arguments)])
        typed = _typed([program, *without_flagfiles(arguments)])
    except (flags.Error, ValueError) as error:
        _refuse_flagfiles(arguments, flag_values)
        raise InputError(flag_mistake(error)) from error
    if len(words) > 1:
        raise InputError(f"{words[1]}: not a flag; flags are written --name=value")
    if mode is not None:
        if typed.get("mode", mode) != mode:
            raise InputError(f"--mode={typed['mode']} contradicts {mode}: leave it out")
        flag_values.mode = mode
    for field in dataclasses.fields(Config):
        modes = declared(field).modes
        if flag_values.mode not in modes and typed.get(field.name) not in (None, "", []):
            raise InputError(
                f"--{flag_name(field)}: {flag_values.mode} does not take it, only "
                f"{', '.join(modes)} {'does' if len(modes) == 1 else 'do'}; leave it out"
            )
    return words


def _refuse_flagfiles(arguments: Sequence[str], flag_values: flags.FlagValues) -> None:
    """Refuses the first flagfile of a command line that cannot be read by itself.

    Raises:
        InputError: naming the file.
    """
    for path in named_flagfiles(arguments):
        try:
            flag_values(["main", *inline_flagfiles([f"--flagfile={path}"])])
        except flags.Error as error:
            raise InputError(f"{path}: {flag_mistake(error)}") from error


def _typed(argv: Sequence[str]) -> dict[str, typing.Any]:
    """The values, by field, of those flags that a command line names."""
    values = flags.FlagValues()
    define_flags(values)
    values.set_gnu_getopt(True)  # goes on behind the value of a flag that is not of Config
    values(argv, known_only=True)
    named = ((field.name, values[flag_name(field)]) for field in dataclasses.fields(Config))
    return {name: flag.value for name, flag in named if flag.present}


def from_flags(flag_values: flags.FlagValues = flags.FLAGS) -> Config:
    """Reads parsed flags into a Config.

    Raises:
        InputError: where the flags contradict each other or a list holds a bad value.
    """
    return checked(_config(flag_values))


def wanted_verbosity(flag_values: flags.FlagValues = flags.FLAGS) -> int:
    """What absl's own flag says of how much is said; the normal level where it was not given."""
    flag = flag_values["verbosity"]
    return flag.value if flag.present else NORMAL


def read_flagfile(path: Path) -> Config:
    """Reads a flagfile into a Config, without touching the flags of this process."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such flagfile")
    return read_experiment(path)


def read_experiment(path: str | Path, **changes) -> Config:
    """Reads a flagfile, also one that comes with the program, and changes some of its settings.

    Args:
        path: a file, or the name of a shipped one.
        **changes: settings by the names of Config's fields.

    Raises:
        InputError: where there is no such file or setting, or settings cannot be used together.
    """
    flag_values = flags.FlagValues()
    define_flags(flag_values)
    # absl's own, which is no setting but may stand in a flagfile.
    flags.DEFINE_integer("verbosity", NORMAL, VERBOSITY, flag_values=flag_values)
    try:
        with damage_named(path, "write it again or delete it"):
            flag_values(["main", *inline_flagfiles([f"--flagfile={path}"])])
    except flags.Error as error:
        raise InputError(f"{path}: {flag_mistake(error)}") from error
    unknown = sorted(changes.keys() - {field.name for field in dataclasses.fields(Config)})
    if unknown:
        raise InputError(f"{unknown[0]}: no such setting; Config has the settings as fields")
    config = _config(flag_values)
    return checked(dataclasses.replace(config, given=config.given | changes.keys(), **changes))


def _config(flag_values: flags.FlagValues) -> Config:
    values, given = {}, set()
    hints = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        flag = flag_values[flag_name(field)]
        value = flag.value
        if flag.present:
            given.add(field.name)
        if typing.get_origin(hints[field.name]) is tuple:
            kind = typing.get_args(hints[field.name])[0]
            try:
                value = tuple(kind(part) for part in value)
            except ValueError as error:
                raise InputError(f"--{field.name}: {flag_mistake(error)}") from error
        values[field.name] = value
    return Config(**values, given=frozenset(given))


def flagfile_text(config: Config) -> str:
    """Writes settings as a flagfile that `read_flagfile` turns back into the same Config."""
    lines = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value is not None:
            lines.append(f"--{flag_name(field)}={value_text(value)}\n")
    return "".join(lines)


def list_text(values: Sequence) -> str:
    """Several values as one flag takes them: commas between, those with a comma in quotes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def value_text(value) -> str:
    """A setting's value as its flag takes it."""
    if isinstance(value, tuple):
        return list_text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
