"""The photos of a folder: which files are taken for photos, and by what names."""

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from data_prep.base.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_MAX_NAME = 200  # bytes of a photo's name; file systems allow 255, and names of results are longer


@dataclass(frozen=True, order=True)
class Photo:
    """A photo file.

    Attributes:
        id: the file name without its last suffix; what maps, masks and records are named by.
        path: where the file lies.
    """

    id: str
    path: Path


def list_photos(folder: str | os.PathLike) -> list[Photo]:
    """Lists the photos of one folder (not of its sub-folders), sorted by id.

    Files whose suffix is not in `SUFFIXES` (in any case) and hidden files are left out.

    Raises:
        InputError: the folder is missing, is not a folder, cannot be read, holds no photo, two
            photos of one id, or one whose name could not be that of its mask.
    """
    folder = Path(folder)
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        raise InputError(
            f"{folder}: no such folder; give the folder that holds the photos"
        ) from None
    except NotADirectoryError:
        raise InputError(f"{folder}: not a folder; give the folder that holds the photos") from None
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed ({error.strerror}); mend its rights"
        ) from None
    found: dict[str, Photo] = {}
    for path in paths:
        name = photo_id(path) if path.is_file() else None
        if name in found:
            raise InputError(
                f"{found[name].path} and {path}: two photos of one name; rename or remove one"
            )
        if name is not None:
            found[name] = Photo(name, path)
    if not found:
        kinds = " ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise InputError(f"{folder}: holds no photo; put some there (readable: {kinds})")
    return sorted(found.values())


def photo_id(path: str | os.PathLike) -> str | None:
    """The id of a photo's file by its name, or None where it is hidden or of another suffix.

    Raises:
        InputError: the name could not be that of its mask.
    """
    name = Path(path).name
    if name.startswith(".") or Path(name).suffix.lower() not in SUFFIXES:
        return None
    odd = [character for character in name if unicodedata.category(character) in ("Cc", "Cs")]
    if odd:
        raise InputError(f"{str(path)!a}: {odd[0]!a} in its name; rename it")
    if len(name.encode()) > _MAX_NAME:
        raise InputError(f"{path}: its name has more than {_MAX_NAME} bytes; rename it")
    return Path(name).stem
