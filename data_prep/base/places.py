"""Files and folders by whatever spelling: relative, through a link, from the home folder."""

import shlex
from pathlib import Path


def place(path: str, within: str = "") -> str:
    """A name of a place that is the same by whatever spelling.

    Args:
        path: the place; one of another file system, such as `gs://bucket/records`, is left as it is
            but for a `/` at its end.
        within: the folder that a relative path starts from; else the current one.
    """
    if "://" in path:
        return path.rstrip("/")
    return str(Path(within, Path(path).expanduser()).resolve())


def same_place(one: str | None, other: str | None, *, within: str = "") -> bool:
    """Whether two spellings name one place.

    Args:
        one: a place; None or empty for none.
        other: the same.
        within: the folder that `one` was given in, which may be another than the current one.
    """
    if not one or not other:
        return not one and not other
    return place(other) in (place(one), place(one, within))


def moved_notice(old: str, new: str | None, *, within: str = "") -> str:
    """What to do where a place is gone and another is given for it; empty where this is not so.

    Args:
        old: where something was.
        new: where it is said to be.
        within: as of `same_place`.
    """
    before = place(old, within)
    if not new or "://" in before or Path(before).exists() or not Path(new).exists():
        return ""
    return f"`ln -s {shlex.quote(place(new))} {shlex.quote(before)}`"
