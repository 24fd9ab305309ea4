"""Keeps the choices of a workdir, for the training after its own."""

import shlex
import shutil
import tempfile
import threading
from pathlib import Path
from typing import IO

from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from data_prep.pictures.images import fit_within, write_png
from data_prep.pictures.masks import read_grey
from data_prep.records.choices import (
    CHOICES,
    REDRAWN,
    Choices,
    map_line,
    read_choices,
    read_lines,
    redrawn_maps,
)
from deepusps_tf.settings.places import CHOSEN, RUN_FLAGFILE

_HEAD = "# What the next training leaves out or takes: deepusps train --choices=<this file>"


class Chooser:
    """Reads and changes `<workdir>/choices.txt`, which begins as what the run was trained with.

    Args:
        workdir: of the run.
    """

    def __init__(self, workdir: Path):
        self._workdir = workdir
        self._lock = threading.Lock()

    @property
    def file(self) -> Path:
        """Where the choices are kept."""
        return self._workdir / CHOICES

    def choices(self) -> Choices:
        """What is chosen now.

        Raises:
            InputError: the file cannot be read.
        """
        return read_choices(self._kept())

    def choose(self, line: str, *, wanted: bool) -> None:
        """Adds a line, or takes it out; all others stay as they are.

        Raises:
            InputError: the file cannot be read or written.
        """
        with self._lock:
            self._choose(line, wanted=wanted)

    def take_map(self, method: str, photo_id: str, size: tuple[int, int], file: IO[bytes]) -> None:
        """Takes a map that was redrawn, as 8-bit grey.

        Args:
            method: whose map it is.
            photo_id: of its photo.
            size: (H, W) of the photo as records have it; a larger map is shrunk to it.
            file: the map's bytes.

        Raises:
            InputError: it cannot be read, is of another shape, or cannot be written.
        """
        with tempfile.NamedTemporaryFile(prefix="deepusps-studio-") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            try:
                grey = read_grey(copy.name)
            except InputError as error:
                raise InputError(str(error).replace(copy.name, "the map")) from None
        fitting = fit_within(grey, max(size))
        if fitting.shape != size:
            raise InputError(
                f"the map: is {grey.shape[1]}x{grey.shape[0]}, its photo {size[1]}x{size[0]}; give "
                "the map the photo's size"
            )
        folder = self._workdir / REDRAWN
        path = folder / method / f"{photo_id}.png"
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{path}: not in {folder}; rename the photo")
        with self._lock:
            self._choose(map_line(method, photo_id), wanted=True)
            write_png(path, fitting)

    def command(self) -> str:
        """The command that trains with the choices, in a workdir that is not there yet.

        A flag a line, as a shell takes them.
        """
        run, number = self._workdir.resolve(), 2
        while (following := run.with_name(f"{run.name}-{number}")).exists():
            number += 1
        flags = (
            f"--flagfile={run / RUN_FLAGFILE}",
            f"--workdir={following}",
            f"--choices={run / CHOICES}",
        )
        return " \\\n    ".join(["deepusps train", *map(shlex.quote, flags)])

    def _kept(self) -> Path:
        """The file that holds what is chosen: that of the run, until something is changed."""
        own = self._workdir / CHOSEN / CHOICES
        return own if own.is_file() and not self.file.is_file() else self.file

    def _choose(self, line: str, *, wanted: bool) -> None:
        kept = self._kept()
        if kept != self.file:
            self._copy_maps(kept)
        lines = [each for each in read_lines(kept) if each.strip() not in ("", line)]
        lines = [*([] if _HEAD in lines else [_HEAD]), *lines, *([line] if wanted else [])]
        write_text(str(self.file), "".join(f"{each}\n" for each in lines))

    def _copy_maps(self, kept: Path) -> None:
        choices = read_choices(kept)
        for (_, _, path), (_, _, copy) in zip(
            redrawn_maps(kept, choices), redrawn_maps(self.file, choices), strict=True
        ):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
