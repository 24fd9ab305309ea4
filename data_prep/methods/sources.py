"""Where the maps of a method come from: found before work begins, and kept beside the maps."""

from collections.abc import Sequence
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.methods.names import Method
from data_prep.pictures.masks import reach_one


def check_sources(methods: Sequence[Method], *, recursive: bool = False) -> None:
    """Finds what cannot be imported and folders that are not there, before any map is made.

    Args:
        methods: the methods.
        recursive: whether folders of maps have subfolders as the photos have.

    Raises:
        InputError: naming the first.
    """
    for method in methods:
        if method.folder is None:
            method.function  # noqa: B018 raises InputError
        elif not Path(method.folder).is_dir():
            raise InputError(
                f"--methods={method.name}={method.folder}: no such folder; give the one that "
                "holds its maps as <id>.png"
            )
        elif reach_one(Path(method.folder).glob("**/*.png" if recursive else "*.png")):
            raise InputError(
                f"--methods={method.name}={method.folder}: its maps are stored as 0 and 1; "
                "data_prep.import_maps writes them as 0 to 255"
            )


def keep_source(method: Method, maps: Path) -> None:
    """Writes beside maps what made them, but for the methods that come with the program.

    Args:
        method: the method.
        maps: the folder of its maps, made where it is missing.

    Raises:
        InputError: something else made those that are there.
    """
    if method.folder is not None and maps.is_dir() and maps.samefile(method.folder):
        return
    path = maps / ".source"
    before = method.name if next(maps.rglob("*.png"), None) else method.entry
    if path.is_file():
        before = path.read_text(encoding="utf-8")
    if before != method.entry:
        raise InputError(
            f"{maps}: holds the maps of {before}, not of {method.entry}; choose another name, as "
            "in --methods=NAME=..., or another folder"
        )
    if method.entry != method.name:
        maps.mkdir(parents=True, exist_ok=True)
        path.write_text(method.entry, encoding="utf-8")
