"""Remote files as local ones, for code that reads paths."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from data_prep.base.errors import InputError

Localise = Callable[..., Path]


@contextlib.contextmanager
def local_files() -> Iterator[Localise]:
    """Gives a function from a file's address to a local file of its content, for reading.

    A local file stands for itself. A remote one is copied once, when first asked for, by Beam's
    file layer or by the function given besides; the copies are gone afterwards. An InputError
    raised meanwhile names the address, not the copy.
    """
    copies: dict[str, Path] = {}
    with tempfile.TemporaryDirectory() as folder:

        def local(address: str, copy_file: Callable[[str, str], None] = _copy_file) -> Path:
            if FileSystems.get_scheme(address) is None:
                return Path(address)
            if address not in copies:
                copy = Path(folder, str(len(copies)), Path(address).name)
                copy.parent.mkdir()
                copy_file(address, str(copy))
                copies[address] = copy
            return copies[address]

        try:
            yield local
        except InputError as error:
            message = str(error)
            for address, copy in copies.items():
                message = message.replace(str(copy), address)
            raise type(error)(message) from error


def _copy_file(address: str, path: str) -> None:
    with FileSystems.open(address) as source, Path(path).open("wb") as target:
        shutil.copyfileobj(source, target)
