"""How a benchmark starts, and ends when its user errs."""

import sys
from collections.abc import Callable

from absl import app

from data_prep.errors import InputError


def start(run: Callable[[list[str]], None]) -> None:
    """Runs a benchmark as a command; bad input ends with its one line and status 2."""

    def main(argv: list[str]) -> None:
        try:
            run(argv)
        except InputError as error:
            print(error, file=sys.stderr)
            sys.exit(2)

    app.run(main)
