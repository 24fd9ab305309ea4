"""The one exception that stands for a mistake the user can mend."""

import contextlib
import os
from collections.abc import Iterator, Sequence


class InputError(Exception):
    """Bad input: its message is one line that names the file or flag and says how to mend it.

    Command lines print it without a traceback and exit with status 2.
    """


class PassingError(InputError):
    """A failure that may be over at the next try, such as of a bucket that is busy."""


@contextlib.contextmanager
def damage_named(path: str | os.PathLike, mend: str) -> Iterator[None]:
    """Turns what reading a damaged file's content raises into one line with its name and `mend`."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(f"{path}: damaged; {mend}") from error


def shortened(names: Sequence[str]) -> str:
    """Names in a line, the many cut short: `a, b, c, d, e and 9 more`."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
