"""The photos of a folder: which files are taken for photos, and by what names."""

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.pictures.passed_over import LINK_TO_NOWHERE, NO_FILE, SUBFOLDER, UPWARDS, PassedOver

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
_FORMS = ("NFC", "NFD")
_MAX_NAME = 200  # bytes of a photo's name; file systems allow 255, and names of results are longer


@dataclass(frozen=True, order=True)
class Photo:
    """A photo file.

    Attributes:
        id: the file name without its last suffix, of a photo in a subfolder with its path before
            it (`sub/photo`); what maps, masks and records are named by.
        path: where the file lies.
    """

    id: str
    path: Path


@dataclass(frozen=True)
class Listing:
    """What a folder holds: its photos, sorted by id, and what is not taken for one."""

    photos: list[Photo]
    passed_over: PassedOver


def list_photos(folder: str | os.PathLike, *, recursive: bool = False) -> list[Photo]:
    """Lists the photos of a folder, sorted by id; as `list_folder`."""
    return list_folder(folder, recursive=recursive).photos


def list_folder(
    folder: str | os.PathLike,
    *,
    recursive: bool = False,
    left_out: Callable[[Path], str | None] = lambda _: None,
) -> Listing:
    """Lists the photos of a folder and what else is there.

    Files whose suffix is not in `SUFFIXES` (in any case) are passed over; hidden files and folders
    do not count. Links are followed. Names that differ in their Unicode form alone are one name.

    Args:
        folder: the folder.
        recursive: whether photos in its subfolders are taken too.
        left_out: says of a file or a subfolder why it is passed over; None: it is not.

    Raises:
        InputError: the folder is missing, is not a folder, cannot be read, holds no photo, two
            photos of one id, or one whose name could not be that of its mask.
    """
    folder = Path(folder)
    passed_over = PassedOver()
    found: dict[str, Photo] = {}
    for path in _files(folder, "", recursive, left_out, passed_over, (folder.resolve(),)):
        name = photo_id(path)
        inside = path.relative_to(folder)
        if name is None:
            passed_over.add(inside.as_posix(), inside.suffix.lower())
            continue
        _check_printable(path, inside.as_posix())
        photo = Photo(inside.with_name(name).as_posix(), path)
        same = found.setdefault(normal(photo.id), photo)
        if same is not photo:
            raise InputError(
                f"{same.path} and {path}: two photos of one name; rename or remove one"
            )
    if not found:
        kinds = " ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        also = f"; {passed_over.line}" if passed_over else ""
        raise InputError(f"{folder}: holds no photo; put some there (readable: {kinds}){also}")
    return Listing(sorted(found.values()), passed_over)


def _files(
    folder: Path,
    inside: str,
    recursive: bool,
    left_out: Callable[[Path], str | None],
    passed_over: PassedOver,
    above: tuple[Path, ...],
) -> Iterator[Path]:
    """Yields the files of a folder that are not hidden, and of the folders below it."""
    for path in _entries(folder):
        name = inside + path.name
        if path.name.startswith("."):
            continue
        if path.is_dir():
            reason = left_out(path) or (None if recursive else SUBFOLDER)
            real = path.resolve()
            if reason is None and real in above:
                reason = UPWARDS
            if reason is not None:
                passed_over.add(name, reason)
            else:
                yield from _files(
                    path, f"{name}/", recursive, left_out, passed_over, (*above, real)
                )
        elif path.is_file():
            if reason := left_out(path):
                passed_over.add(name, reason)
            else:
                yield path
        else:
            nowhere = path.is_symlink() and not path.exists()
            passed_over.add(name, LINK_TO_NOWHERE if nowhere else NO_FILE)


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, in order."""
    try:
        return sorted(folder.iterdir())
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


def picture_named(folder: Path, photo_id: str) -> Path:
    """The PNG in a folder that is named by a photo, in either Unicode form."""
    names = dict.fromkeys((photo_id, *(unicodedata.normalize(form, photo_id) for form in _FORMS)))
    paths = [folder / f"{name}.png" for name in names]
    return next((path for path in paths[1:] if path.exists() and not paths[0].exists()), paths[0])


def normal(name: str) -> str:
    """A name in the one Unicode form by which names are compared (systems differ in theirs)."""
    return unicodedata.normalize("NFC", name)


def find_masks(photos: Sequence[Photo], masks: str | os.PathLike, kind: str) -> dict[str, Path]:
    """Finds the mask of each photo by its name alone: id -> path; masks of no photo too.

    Args:
        photos: of a folder; where some are of its subfolders, their masks are so too.
        masks: the folder of masks.
        kind: what the photos are called in messages.

    Raises:
        InputError: as `list_photos`, and naming the first photo without a mask.
    """
    recursive = any("/" in photo.id for photo in photos)
    found = {normal(mask.id): mask for mask in list_photos(masks, recursive=recursive)}
    paths = {}
    for photo in photos:
        mask = found.pop(normal(photo.id), None)
        if mask is None:
            raise InputError(f"{masks}: no mask for {kind} {photo.id}; add it or move the {kind}")
        paths[photo.id] = mask.path
    return paths | {mask.id: mask.path for mask in found.values()}


def photo_id(path: str | os.PathLike) -> str | None:
    """The id of a photo's file by its name, or None where it is hidden or of another suffix.

    Raises:
        InputError: the name could not be that of its mask.
    """
    name = Path(path).name
    if name.startswith(".") or Path(name).suffix.lower() not in SUFFIXES:
        return None
    _check_printable(path, name)
    if len(name.encode()) > _MAX_NAME:
        raise InputError(f"{path}: its name has more than {_MAX_NAME} bytes; rename it")
    return Path(name).stem


def _check_printable(path: str | os.PathLike, name: str) -> None:
    odd = [character for character in name if unicodedata.category(character) in ("Cc", "Cs")]
    if odd:
        raise InputError(f"{str(path)!a}: {odd[0]!a} in its name; rename it")
