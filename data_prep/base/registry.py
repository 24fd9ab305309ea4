"""Parts that can be exchanged: found by the name they come with, or in a user's own file."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from data_prep.base.errors import InputError

Part = TypeVar("Part")


class Registry(Generic[Part]):
    """The parts of one kind by name.

    A part enters by the decorator `register`. The module of a built-in one is imported only when
    that part is asked for, so that names can be read without what the parts need.

    Args:
        flag: the flag that chooses among the parts, for messages.
        built_in: name -> the module that registers it.
    """

    def __init__(self, flag: str, built_in: Mapping[str, str]):
        self._flag = flag
        self._built_in = dict(built_in)
        self._parts: dict[str, Part] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The parts that come with the program, then those registered besides."""
        return tuple(dict.fromkeys((*self._built_in, *self._parts)))

    def register(self, name: str) -> Callable[[Part], Part]:
        """Makes a decorator that enters a part under a name.

        Raises:
            ValueError: another part has that name.
        """

        def enter(part: Part) -> Part:
            if name in self._parts and not _same(self._parts[name], part):
                raise ValueError(f"--{self._flag}: there are two parts of the name {name}")
            self._parts[name] = part
            return part

        return enter

    def find(self, name: str) -> Part:
        """Finds a part by its name, or by `package.module:name` of a user's own.

        Modules in the current folder are found too, whatever program was started.

        Raises:
            InputError: nothing has that name, or what it names cannot be imported.
        """
        module, colon, attribute = name.partition(":")
        if colon:
            return self._import(name, module, attribute)
        if name not in self._parts and name in self._built_in:
            importlib.import_module(self._built_in[name])
        if name not in self._parts:
            raise self._unknown(name)
        return self._parts[name]

    def check(self, name: str, flag: str = "") -> None:
        """Refuses a name that no part can have, without importing any.

        Args:
            name: of a part.
            flag: which named it; empty: the registry's own.

        Raises:
            InputError: it is not among `names`, and not of the form `package.module:name`.
        """
        if ":" not in name and name not in self.names:
            raise self._unknown(name, flag)

    def _unknown(self, name: str, flag: str = "") -> InputError:
        return InputError(
            f"--{flag or self._flag}={name}: unknown; choose from {', '.join(self.names)}, or "
            "write package.module:name of your own"
        )

    def _import(self, name: str, module: str, attribute: str) -> Part:
        if (here := os.getcwd()) not in sys.path:  # noqa: PTH109 sys.path holds texts
            sys.path.append(here)
        try:
            found = importlib.import_module(module)
        except Exception as error:  # whatever stands at the top of a user's file
            raise InputError(f"--{self._flag}={name}: {_why(error, module)}") from error
        if not hasattr(found, attribute):
            raise InputError(f"--{self._flag}={name}: module {module} holds no {attribute}")
        return getattr(found, attribute)


def _why(error: Exception, module: str) -> str:
    """Says in a line why a module could not be imported."""
    if isinstance(error, ModuleNotFoundError) and module.split(".")[0] == error.name:
        return f"no module {error.name}; run where it can be imported"
    text = " ".join(str(error).split())
    return f"cannot be imported ({type(error).__name__}: {text}); mend it"


def _same(one: object, other: object) -> bool:
    """Whether two parts are of one place in the code, as where a module is run and imported."""
    one_place, other_place = (getattr(part, "__qualname__", part) for part in (one, other))
    return one_place == other_place
