"""How a command line ends: with a status, and one line where its user errs or stops it."""

import os
import sys
from collections.abc import Callable, Sequence

from absl import app
from tqdm import tqdm

from data_prep.base.command_line import parse_flags
from data_prep.base.errors import InputError
from data_prep.base.log import note_shown


def start(run: Callable[[Sequence[str]], int | None], *, known_only: bool = False) -> None:
    """Runs a command that exits with what it returns.

    Bad input ends with status 2, a full disk or the like with 1, Ctrl-C with 130.

    Args:
        run: the command; gets the command line without the flags that absl read.
        known_only: whether it takes words, and flags that it did not define.
    """

    def parse(argv: Sequence[str]) -> list[str]:
        try:
            return parse_flags(argv, known_only=known_only)
        except InputError as error:
            say(f"error: {error}")
            sys.exit(2)

    def main(argv: Sequence[str]) -> int | None:
        try:
            if len(argv) > 1 and not known_only:
                raise InputError(f"{argv[1]}: not a flag; flags are written --name=value")
            return run(argv)
        except InputError as error:
            say(f"error: {error}")
            return 2
        except OSError as error:
            say(f"error: {error}; mend that and run the same command again")
            return 1
        except KeyboardInterrupt as stop:
            say(str(stop) or "stopped")
            return 130

    app.run(main, flags_parser=parse)


def quiet_tensorflow() -> None:
    """Silences what TensorFlow says of CUDA and oneDNN when it starts, unless the user chose."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def say(line: str) -> None:
    """Prints a line to stderr above any bar, and keeps it in the log file."""
    note_shown(line)
    tqdm.write(line, file=sys.stderr)


def tell(line: str) -> None:
    """Prints a line to stdout above any bar, and keeps it in the log file."""
    note_shown(line)
    tqdm.write(line, file=sys.stdout)
