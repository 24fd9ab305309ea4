"""Writes docs/settings.md: every setting as it is declared, and the flagfiles that come along.

python -m docs.write_settings
"""

import dataclasses
import re
import typing
from pathlib import Path

from data_prep.base.log import NORMAL, VERBOSITY
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import value_text
from deepusps_tf.settings.setting import CHANGES, GROUPS, MODES, declared, flag_name
from deepusps_tf.settings.shipped import shipped_folder, shipped_names

PAGE = Path(__file__).with_name("settings.md")
HEAD = """\
# Settings

What can be set? This page is written by `python -m docs.write_settings` from the declarations in
`deepusps_tf/settings/sections/`, and a test holds it to them. `deepusps WORD --help` prints the
same for one mode.

A setting is a flag of the command line, a line of a flagfile and a field of `deepusps_tf.Config`.
The last value wins. `--images=` without a value takes back a flagfile's. `[no]` marks a switch:
`--crf` and `--nocrf`. A flag of another mode is refused on the command line and passed over in a
flagfile.

The last column says what a setting changes. A run that has begun goes on only with the same
settings of the first two kinds:

| changes | that is |
|---|---|
"""


def page() -> str:
    """The page in Markdown."""
    changes = "".join(f"| {name} | {text} |\n" for name, text in CHANGES.items())
    modes = "".join(f"| `{name}` | {text} |\n" for name, text in MODES.items())
    parts = [f"{HEAD}{changes}", f"The modes:\n\n| mode | does |\n|---|---|\n{modes}"]
    parts += [_group(group) for group in GROUPS]
    return "\n".join([*parts, _said(), _flagfiles()])


def _group(group: str) -> str:
    fields = [field for field in dataclasses.fields(Config) if declared(field).group == group]
    title = group[0].upper() + group[1:]
    head = f"## {title}\n\n| flag | what it is | default | modes | changes |\n|---|---|---|---|---|"
    return "\n".join([head, *map(_row, fields), ""])


def _row(field: dataclasses.Field) -> str:
    setting = declared(field)
    kind = typing.get_type_hints(Config)[field.name]
    switch = "[no]" if bool in (kind, *typing.get_args(kind)) else ""
    choices = f"One of `{'`, `'.join(setting.choices)}`. " if setting.choices else ""
    default = "" if field.default in (None, (), "") else f"`{value_text(field.default)}`"
    modes = "all" if set(setting.modes) == set(MODES) else ", ".join(setting.modes)
    cells = (
        f"`--{switch}{flag_name(field)}`",
        f"{choices}{_plain(setting.help)}",
        default,
        modes,
        setting.changes,
    )
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """A help text in Markdown: flags as code, and no tags or emphasis by accident."""
    return re.sub(r"(--\w+(?:=\w+)?)|([<*])", lambda m: f"`{m[1]}`" if m[1] else f"\\{m[2]}", text)


def _flagfiles() -> str:
    rows = [f"| `{name}` | {_plain(_first_comment(name))} |" for name in shipped_names()]
    return "\n".join(
        [
            "## Flagfiles\n",
            "`--flagfile` takes one of these by name from any folder, or a file of your own. Each",
            "line is one flag, comments have lines of their own. Several may follow each other.",
            "The head of each says what it is:\n",
            "| name | its head |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def _said() -> str:
    return "\n".join(
        [
            "## What is said\n",
            "This flag of absl's own is no setting of a run: no flagfile in a workdir has it.\n",
            "| flag | what it is | default | modes |",
            "|---|---|---|---|",
            f"| `--verbosity` | {_plain(VERBOSITY)} | `{NORMAL}` | all |",
            "",
        ]
    )


def _first_comment(name: str) -> str:
    """The first sentences of a flagfile's head, as far as its first command."""
    words = []
    for line in (shipped_folder() / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("# ") or "python -m" in line:
            break
        words.append(line.removeprefix("# "))
    text = " ".join(" ".join(words).split())
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
