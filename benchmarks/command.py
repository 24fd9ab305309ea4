"""How a benchmark starts, where it works, and how it ends when its user errs."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from absl import app

from data_prep.errors import InputError


def start(run: Callable[[list[str]], int | None]) -> None:
    """Runs a benchmark as a command that exits with what it returns.

    Bad input ends with its one line and status 2.
    """

    def main(argv: list[str]) -> int | None:
        try:
            return run(argv)
        except InputError as error:
            print(error, file=sys.stderr)
            return 2

    app.run(main)


def scratch_folder(path: str | None, name: str) -> Path:
    """Checks where a benchmark is to work, or makes a temporary folder.

    Args:
        path: an empty folder, or one that is yet to be made; None: a temporary one.
        name: what a temporary one's name begins with.

    Returns:
        The folder, absolute.

    Raises:
        InputError: where something is there already.
    """
    folder = Path(path or tempfile.mkdtemp(prefix=f"{name}-")).absolute()
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"--scratch={folder}: not an empty folder; give another")
    return folder
