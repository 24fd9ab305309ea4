"""Flagfiles: where they are found, also those that come with the program, and what they hold."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_prep.base.command import say
from data_prep.base.errors import InputError

_PACKAGE = Path(__file__).parents[1]
_FOLDER = "configs"


def shipped_folder() -> Path:
    """The folder of the flagfiles that come with the program: in the package, else beside it."""
    inside = _PACKAGE / _FOLDER
    return inside if inside.is_dir() else _PACKAGE.parent / _FOLDER


def shipped_names() -> list[str]:
    """Names the flagfiles that come with the program, as `--flagfile` takes them."""
    folder = shipped_folder()
    found = sorted(folder.rglob("*.flags"), key=lambda path: (len(path.parts), path))
    return [path.relative_to(folder).as_posix() for path in found]


def find_flagfile(name: str) -> Path:
    """Finds a flagfile where its path says, else among those that come with the program.

    Args:
        name: a path; of those of the program with `configs/` before it or without.

    Raises:
        InputError: where there is none.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path
    shipped = path.as_posix().removeprefix(f"{_FOLDER}/")
    if shipped not in shipped_names():
        raise InputError(
            f"--flagfile={name}: no such file; of the program's own there are "
            f"{', '.join(shipped_names())}"
        )
    found = shipped_folder() / shipped
    say(f"--flagfile={name}: taken from {found}")
    return found


def inline_flagfiles(arguments: Sequence[str]) -> list[str]:
    """Puts the lines of flagfiles, and of those that they name, in the place of `--flagfile`.

    Args:
        arguments: a command line without the program's name.

    Raises:
        InputError: where a flagfile is missing, no text or names itself.
    """
    inlined = []
    for argument, path in _split(arguments):
        inlined += [argument] if path is None else _lines(path, ())
    return inlined


def without_flagfiles(arguments: Sequence[str]) -> list[str]:
    """A command line without its `--flagfile`s: what was written there alone."""
    return [argument for argument, path in _split(arguments) if path is None]


def named_flagfiles(arguments: Sequence[str]) -> list[str]:
    """The flagfiles that a command line names, in order."""
    return [path for _, path in _split(arguments) if path]


def _split(arguments: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yields each argument, with the path where it names a flagfile."""
    rest = iter(arguments)
    for argument in rest:
        name, equals, path = argument.partition("=")
        if name not in ("--flagfile", "-flagfile"):
            yield argument, None
            continue
        if not equals and (path := next(rest, None)) is None:
            raise InputError("--flagfile: name a file")
        yield argument, path.strip()


def _lines(name: str, above: tuple[Path, ...]) -> list[str]:
    """The flags of a file, without comments; `above` are the files that name it."""
    if not name:
        return []  # takes nothing
    path = find_flagfile(name)
    if path.resolve() in above:
        raise InputError(f"{path}: names itself by --flagfile; take that line out")
    flags = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()  # some editors write a mark first
    except IsADirectoryError:
        raise InputError(f"--flagfile={name}: a folder; name a file") from None
    except UnicodeDecodeError:
        raise InputError(f"--flagfile={name}: not UTF-8 text; save it as UTF-8") from None
    for line in lines:
        text = line.strip()
        if not text or line.startswith(("#", "//")):
            continue
        start, _, nested = text.partition("=")
        if start in ("--flagfile", "-flagfile"):
            flags += _lines(nested.strip(), (*above, path.resolve()))
        else:
            flags.append(text)
    return flags
