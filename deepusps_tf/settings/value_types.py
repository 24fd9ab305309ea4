"""Which Python values a setting takes."""

import numbers
import os
import types
import typing

from data_prep.base.errors import InputError

_SINGLE = {
    str: (str | os.PathLike, os.fspath, "a text"),
    bool: (bool, bool, "True or False"),
    int: (numbers.Integral, int, "a whole number"),
    float: (numbers.Real, float, "a number"),
}


def typed(flag: str, value: typing.Any, kind: typing.Any) -> typing.Any:
    """Turns a value into the type of its setting, where it means the same.

    Args:
        flag: the setting's name, for the message.
        value: a text or a path, a number of Python or NumPy, a list or a tuple of them, or None.
        kind: the setting's type: one of str, bool, int, float, a tuple of one of them, or one of
            them or None.

    Raises:
        InputError: where it is of another type: a number in quotes, a text for a list.
    """
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{flag}={value!r}: give a list or a tuple")
        return tuple(typed(flag, part, typing.get_args(kind)[0]) for part in value)
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    accepted, convert, name = _SINGLE[kind]
    # True is a whole number to Python, and to nobody who writes a setting.
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{flag}={value!r}: give {name}")
    return convert(value)
