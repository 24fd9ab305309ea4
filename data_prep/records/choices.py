"""What a user decided of training photos: lines of a small text file, and maps beside it.

    # Lines that begin so are comments.
    without photo: beach/p3
    without method: hs
    redrawn map: rbd beach/p4

The map of the last line lies in `redrawn/rbd/beach/p4.png` beside the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.pictures.photos import picture_named

CHOICES = "choices.txt"
REDRAWN = "redrawn"  # the folder of maps beside it
_PHOTO, _METHOD, _MAP = "without photo", "without method", "redrawn map"


@dataclass(frozen=True)
class Choices:
    """What is left out of a training, and which maps are others, each in the file's order.

    Attributes:
        photos: ids of photos that are not trained on.
        methods: names of methods whose maps are not learned.
        redrawn: the (method, id) whose map was redrawn.
    """

    photos: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    redrawn: tuple[tuple[str, str], ...] = field(default=())

    def __bool__(self) -> bool:
        """Whether anything was chosen."""
        return bool(self.photos or self.methods or self.redrawn)


def photo_line(photo_id: str) -> str:
    """The line that leaves a photo out."""
    return f"{_PHOTO}: {photo_id}"


def method_line(method: str) -> str:
    """The line that leaves a method out."""
    return f"{_METHOD}: {method}"


def map_line(method: str, photo_id: str) -> str:
    """The line that takes a redrawn map."""
    return f"{_MAP}: {method} {photo_id}"


def read_choices(path: Path) -> Choices:
    """Reads a file of choices.

    Raises:
        InputError: it cannot be read, or naming a line that is none of these.
    """
    photos, methods, redrawn = {}, {}, {}
    for number, line in enumerate(read_lines(path), 1):
        kind, _, value = (part.strip() for part in line.partition(":"))
        if not line.strip() or line.startswith("#"):
            continue
        method, _, photo_id = value.partition(" ")
        if kind == _PHOTO and value:
            photos[value] = None
        elif kind == _METHOD and value:
            methods[value] = None
        elif kind == _MAP and photo_id:
            redrawn[method, photo_id] = None
        else:
            raise InputError(
                f"{path}: line {number} is no choice; write `{_PHOTO}: ID`, `{_METHOD}: NAME` or "
                f"`{_MAP}: NAME ID`, or delete it"
            )
    return Choices(tuple(photos), tuple(methods), tuple(redrawn))


def read_lines(path: Path) -> list[str]:
    """Reads the lines of a file of choices; none where there is no file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); mend that") from None


def redrawn_maps(file: Path, choices: Choices) -> Iterator[tuple[str, str, Path]]:
    """Yields the method, the id and the file of each redrawn map of a file of choices."""
    for method, photo_id in choices.redrawn:
        yield method, photo_id, picture_named(file.parent / REDRAWN / method, photo_id)


def in_words(choices: Choices) -> list[str]:
    """What was chosen, a sentence a kind."""
    told = []
    for names, what in (
        (choices.photos, "Left out of the training photos"),
        (choices.methods, "Methods left out"),
        (tuple(f"{photo_id} ({method})" for method, photo_id in choices.redrawn), "Maps redrawn"),
    ):
        if names:
            told.append(f"{what} ({len(names)}): {', '.join(names)}.")
    return told
