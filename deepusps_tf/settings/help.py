"""What --help prints: the flags by what they are about."""

import dataclasses
import typing

from data_prep.base.command_line import flag_line
from data_prep.base.log import NORMAL, VERBOSITY
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import value_text
from deepusps_tf.settings.setting import GROUPS, MODES, declared, flag_name
from deepusps_tf.settings.shipped import shipped_names


def help_text(mode: str | None = None) -> str:
    """Lists flags by group, with defaults.

    Args:
        mode: whose flags; None: all, each with the modes that take it.
    """
    parts = [f"{MODES[mode]}\n"] if mode else []
    for group in GROUPS:
        fields = [field for field in dataclasses.fields(Config) if _listed(field, group, mode)]
        if fields:
            lines = (_lines(field, of_modes=mode is None) for field in fields)
            parts.append("\n".join([f"{group}:", *lines, ""]))
    parts.append("\n".join(["flagfiles:", _flagfile_lines(), ""]))
    said = flag_line(f"--verbosity: {VERBOSITY} (default: {NORMAL})")
    parts.append("\n".join(["what is said:", said, ""]))
    parts.append("--helpfull lists the flags of logging and debugging too.")
    return "\n".join(parts)


def _listed(field: dataclasses.Field, group: str, mode: str | None) -> bool:
    setting = declared(field)
    chosen = field.name != "mode" and mode in setting.modes
    return setting.group == group and (mode is None or chosen)


def _lines(field: dataclasses.Field, *, of_modes: bool) -> str:
    setting = declared(field)
    kind = typing.get_type_hints(Config)[field.name]
    switch = "[no]" if bool in (kind, *typing.get_args(kind)) else ""
    choices = f"<{'|'.join(setting.choices)}>: " if setting.choices else ""
    notes = []
    if of_modes and set(setting.modes) != set(MODES):
        notes.append(f"of {', '.join(setting.modes)}")
    if field.default not in (None, ()):
        notes.append(f"default: {value_text(field.default)}")
    ending = f" ({'; '.join(notes)})" if notes else ""
    return flag_line(f"--{switch}{flag_name(field)}: {choices}{setting.help}{ending}")


def _flagfile_lines() -> str:
    return flag_line(
        "--flagfile: Takes flags from a file, one a line, comments from column 1; the last value "
        "wins, and flags that the mode does not take are let pass. A file that is not there is "
        f"taken from those that come with the program: {', '.join(shipped_names())}."
    )
