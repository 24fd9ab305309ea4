"""Which methods there are and what --methods may name, readable without loading Numba.

A method makes maps: `saliency(rgb uint8 [H, W, 3]) -> float32 [H, W] in [0, 1]`, or, where it is
marked by `in_batches`, a list of such maps of a list of photos.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.base.registry import Registry

METHODS: Registry[Callable] = Registry(
    "methods", {name: f"data_prep.methods.{name}" for name in ("rbd", "dsr", "mc", "hs")}
)
HELP = (
    f"Methods that label the photos, of {', '.join(METHODS.names)}; package.module:function of "
    "your own; NAME=FOLDER of maps made elsewhere, FOLDER/<id>.png."
)
# Folders of a workdir that no method's may be.
_TAKEN = frozenset({"joint", "fusion", "logs", "report", "export", "chosen", "redrawn"})
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def in_batches(size: int = 8) -> Callable[[Callable], Callable]:
    """Marks a method that takes photos together, such as one that runs a network.

    It is called in the main process, never in the pool, with a list of 1 to `size` photos uint8
    [H, W, 3], whose sizes may differ, and returns as many maps, each of its photo's size.

    Args:
        size: photos of a batch, at least 1.

    Raises:
        TypeError: it was written without brackets.
    """
    if not isinstance(size, int):
        raise TypeError("write @in_batches() or @in_batches(size=8), with brackets")

    def mark(method: Callable) -> Callable:
        method.photos_a_batch = size
        return method

    return mark


def batch_size(function: Callable) -> int | None:
    """Photos that a method takes together; None: one at a time, in a pool of processes."""
    return getattr(function, "photos_a_batch", None)


@dataclass(frozen=True)
class Method:
    """A method that was chosen.

    Attributes:
        name: what its maps, labels and rows are called; safe as a folder's name.
        source: where its maps come from: a registered name, `package.module:function`, or a folder
            that holds them as `<id>.png`.
    """

    name: str
    source: str

    @property
    def folder(self) -> str | None:
        """The folder of its maps, where they were made elsewhere."""
        return self.source if "/" in self.source else None

    @property
    def function(self) -> Callable:
        """What computes its maps.

        Raises:
            InputError: it cannot be imported or called.
        """
        found = METHODS.find(self.source)
        if not callable(found):
            raise InputError(f"--methods={self.source}: is no function of a photo")
        return found

    @property
    def importable(self) -> "Method":
        """The same method as another process can find it, whatever this one has registered.

        Raises:
            InputError: it lies in the script that was started, or in a notebook.
        """
        if self.folder is not None or self.source != self.name:
            return self
        function = self.function
        if function.__module__ == "__main__":
            raise InputError(
                f"--methods={self.name}: lies in the script itself, which other processes cannot "
                "import; put it into a file of its own, or give --jobs=1"
            )
        return Method(self.name, f"{function.__module__}:{function.__qualname__}")

    @property
    def entry(self) -> str:
        """The method as --methods takes it, whatever folder the program is started in."""
        if self.source == self.name:
            return self.name
        local = self.folder is not None and "://" not in self.folder
        return f"{self.name}={Path(self.folder).absolute() if local else self.source}"


def parse_methods(entries: Sequence[str]) -> tuple[Method, ...]:
    """Reads the entries of --methods; imports nothing and looks into no folder.

    Args:
        entries: each a registered name, `package.module:function`, `NAME=package.module:function`,
            or `NAME=FOLDER`.

    Raises:
        InputError: naming the first entry that is unknown, of an unsafe name, or given twice.
    """
    if not entries:
        raise InputError(f"--methods: none given; name some of {', '.join(METHODS.names)}")
    methods: dict[str, Method] = {}
    for method in map(_parse, entries):
        if method.name in methods:
            raise InputError(
                f"--methods: {method.name} is named twice; name each once, another by NAME=..."
            )
        methods[method.name] = method
    return tuple(methods.values())


def entries_anywhere(entries: Sequence[str]) -> tuple[str, ...]:
    """Entries of --methods as they mean the same in whatever folder the program is started."""
    return tuple(method.entry for method in parse_methods(entries))


def _parse(entry: str) -> Method:
    name, given, source = (part.strip() for part in entry.partition("="))
    if not given and _FUNCTION.fullmatch(name):
        name, source = name.partition(":")[2], name
    elif not given:
        source = name
        if name not in METHODS.names:
            raise InputError(
                f"--methods: {name!r} is unknown; choose from {', '.join(METHODS.names)}, or "
                "write package.module:function or NAME=FOLDER of your own"
            )
    elif not source:
        raise InputError(f"--methods={entry}: write NAME=FOLDER or NAME=package.module:function")
    elif "/" not in source and not _FUNCTION.fullmatch(source):
        source = f"./{source}"
    if not _SAFE.fullmatch(name):
        raise InputError(
            f"--methods={entry}: {name!r} cannot name a folder; use letters, digits, _ and -"
        )
    if name.lower() in _TAKEN:
        raise InputError(
            f"--methods={entry}: {name} is a folder that runs have; write another name before ="
        )
    return Method(name, source)
