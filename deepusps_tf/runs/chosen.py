"""The choices that a run was begun with, and its own copy of the photos and labels they leave.

A run with `--choices` trains on `<workdir>/chosen/`, so that the file may be written to meanwhile
for the training after it, and no label of other photos gets into this one.
"""

import dataclasses
import shutil
from pathlib import Path

from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from data_prep.methods.names import parse_methods
from data_prep.records.choices import (
    CHOICES,
    Choices,
    read_choices,
    read_lines,
    redrawn_maps,
)
from data_prep.records.chosen import write_chosen
from data_prep.records.corrections import FIRST
from deepusps_tf.data.photo_sets import PhotoSets, open_photos
from deepusps_tf.runs.label_versions import read_versions
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.places import CHOSEN


def taken_choices(workdir: str | Path) -> Choices:
    """What a run was begun with; no choices where it was begun without.

    Raises:
        InputError: what its workdir keeps of them cannot be read.
    """
    return read_choices(Path(workdir) / CHOSEN / CHOICES)


def without_methods(config: Config) -> Config:
    """The settings of a run without the methods that its choices leave out.

    Raises:
        InputError: the choices cannot be read, or leave no method.
    """
    if not config.choices:
        return config
    own = Path(config.workdir) / CHOSEN / CHOICES
    left_out = read_choices(own if own.is_file() else Path(config.choices)).methods
    named = zip(config.methods, parse_methods(config.methods), strict=True)
    methods = tuple(entry for entry, method in named if method.name not in left_out)
    if not methods:
        raise InputError(f"{config.choices}: leaves out all --methods; take some lines out")
    return dataclasses.replace(config, methods=methods)


def take_choices(config: Config) -> None:
    """Makes the photos and labels that a run's choices leave, unless it has them.

    A run that has them goes on with them, and says so where the file says something else now.

    Args:
        config: of the run; its records are there, and `choose_versions` was called.

    Raises:
        InputError: as of `write_chosen`, and where the choices cannot be read.
    """
    if not config.choices:
        return
    folder, file = Path(config.workdir) / CHOSEN, Path(config.choices)
    if (folder / CHOICES).is_file():
        if file.is_file() and not _same(file, folder / CHOICES):
            print(
                f"{config.workdir}: began with the choices that {file} held then, and goes on with "
                "those; to train with those of now, choose another --workdir"
            )
        return
    choices = read_choices(file)
    shutil.rmtree(folder, ignore_errors=True)  # of a start that was stopped
    folder.mkdir(parents=True)
    copied = folder / CHOICES
    for (_, _, path), (_, _, copy) in zip(
        redrawn_maps(file, choices), redrawn_maps(copied, choices), strict=True
    ):
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, copy)
        except FileNotFoundError:
            raise InputError(f"{path}: gone, but {file} takes it; put it back") from None
    versions = read_versions(config.workdir)
    write_chosen(
        records=config.records,
        versions={method: versions.get(method, FIRST) for method in config.method_names},
        file=file,
        choices=choices,
        max_side=config.max_side,
        output=str(folder),
    )
    write_text(str(copied), "\n".join(read_lines(file)))  # last: now they count


def training_records(config: Config) -> str:
    """The folder in which the photos lie that a run trains on, under `train/`."""
    return str(Path(config.workdir) / CHOSEN) if config.choices else config.records


def run_photos(config: Config) -> PhotoSets:
    """Opens the photo sets of a run.

    Raises:
        InputError: as of `open_photos`.
    """
    own = training_records(config) if config.choices else None
    return open_photos(config.records, read_versions(config.workdir), own)


def _same(one: Path, other: Path) -> bool:
    """Whether two files of choices say the same, maps included."""
    choices, others = read_choices(one), read_choices(other)
    if any(
        sorted(getattr(choices, each.name)) != sorted(getattr(others, each.name))
        for each in dataclasses.fields(Choices)
    ):
        return False
    maps = {key[:2]: key[2] for key in redrawn_maps(one, choices)}
    return all(
        maps[method, photo_id].is_file()
        and maps[method, photo_id].read_bytes() == path.read_bytes()
        for method, photo_id, path in redrawn_maps(other, others)
    )
