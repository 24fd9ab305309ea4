"""Where a benchmark works."""

import tempfile
from pathlib import Path

from data_prep.base.errors import InputError


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
