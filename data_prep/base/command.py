"""How a command line ends: with a status, and one line where its user errs or stops it."""

import sys
from collections.abc import Callable, Sequence

from absl import app
from tqdm import tqdm

from data_prep.base.errors import InputError


def start(run: Callable[[Sequence[str]], int | None], *, words: bool = False, **options) -> None:
    """Runs a command that exits with what it returns.

    Bad input ends with status 2, a full disk or the like with 1, Ctrl-C with 130.

    Args:
        run: the command; gets the command line without the flags that absl read.
        words: whether it takes words that are no flags.
        **options: of `absl.app.run`.
    """

    def main(argv: Sequence[str]) -> int | None:
        try:
            if len(argv) > 1 and not words:
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

    app.run(main, **options)


def say(line: str) -> None:
    """Prints a line to stderr, below a progress bar that was cut short rather than behind it."""
    tqdm.write(line, file=sys.stderr)
