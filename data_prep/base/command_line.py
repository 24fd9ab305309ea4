"""How a command's flags are read, and what is said of them."""

import os
import re
import sys
from collections.abc import Sequence

from absl import flags

from data_prep.base.errors import InputError

_ASKING = {"--help", "-help", "--helpshort", "-helpshort", "-h", "-?"}
# What absl and Python say of a value of the wrong type, and what a user understands.
_CLEARER = (
    (r"^flag (--\S+=)", r"\1"),
    (r"invalid literal for int\(\) with base \d+: .*", "not a whole number"),
    (r"could not convert string to float: .*", "not a number"),
    (r"Non-boolean argument to boolean flag", "write true or false"),
    (r"^--(\w+)=None: Flag --\1 must have a value other than None\.", r"--\1: must be given"),
)


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for help."""
    return bool(_ASKING.intersection(arguments))


def show(text: str) -> None:
    """Prints help, of which `--help | head` may want only the first lines."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Python writes what is left at its end, and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parse_flags(argv: Sequence[str], *, known_only: bool = False) -> list[str]:
    """Reads the flags of a command that defined its own; shows them where help is asked for.

    Args:
        argv: the program's name and its arguments.
        known_only: whether flags that nobody defined are handed back rather than refused.

    Returns:
        The program's name, and arguments that are no flags.

    Raises:
        InputError: where a flag is unknown, missing or of the wrong type.
        SystemExit: with status 0, after help was shown.
    """
    if asks_for_help(argv[1:]):
        show(f"{(sys.modules['__main__'].__doc__ or '').strip()}\n\n{_own_flags()}")
        sys.exit(0)
    if known_only:
        flags.FLAGS.set_gnu_getopt(True)  # a foreign `--name value` must not end the reading
    try:
        return flags.FLAGS(argv, known_only=known_only)
    except flags.Error as error:
        raise InputError(flag_mistake(error)) from error


def flag_mistake(error: Exception) -> str:
    """What absl or Python says of a flag's value, in one plain line."""
    line = " ".join(str(error).split())
    for said, clearer in _CLEARER:
        line = re.sub(said, clearer, line)
    return line


def flag_line(text: str) -> str:
    """Lays out a flag and its help for a screen of 100 columns."""
    return flags.text_wrap(text, length=100, indent="    ", firstline_indent="  ")


def _own_flags() -> str:
    """Lists the flags that the command itself defined, not those of libraries."""
    package = __name__.partition(".")[0]
    lines = ["flags:"]
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module == sys.argv[0] or module.partition(".")[0] == package:
            for flag in defined:
                switch = "[no]" if flag.boolean else ""
                given = (flag.default_as_str or "").replace("'", "")
                default = f" (default: {given})" if given else ""
                lines.append(flag_line(f"--{switch}{flag.name}: {flag.help}{default}"))
    return "\n".join(lines)
