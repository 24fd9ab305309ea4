"""Checks a published data set and lays it out as `images/` and `masks/` for deepusps_tf.main.

    python -m data_prep.import_dataset --dataset=ecssd --source=DIR --output=DIR
    python -m data_prep.import_dataset --dataset=msra_b --source=DIR --split_lists=DIR --output=DIR

`--source` is what the publisher's archives were unpacked to; names count in any case, and each
layout may lie one folder deeper:

- msra_b (5000 photos): `<id>.jpg` and `<id>.png` side by side, or `image/` and `annotation/`. The
  lists `train_cvpr2013.txt`, `valid_cvpr2013.txt`, `test_cvpr2013.txt` (or `train.txt`,
  `valid.txt`, `test.txt`) name 2500, 500 and 2000 files, one a line.
- ecssd (1000): `images/<id>.jpg`, `ground_truth_mask/<id>.png`.
- dut_omron (5168): `DUT-OMRON-image/<id>.jpg`, `pixelwiseGT-new-PNG/<id>.png`.
- sed2 (100): `<id>/src_color/<photo>` and, a person a file, `<id>/human_seg/*`: the photo in grey
  with the objects painted in colour; salient is what more than half of the people painted. Or
  `<id>.jpg` and `<id>.png` side by side; of `<id>_1.png` and `<id>_2.png`, an object each, salient
  is what either says.
- pascal_s (850): `datasets/imgs/pascal/<id>.jpg`, `datasets/masks/pascal/<id>.png`, graded by how
  many people chose an object; salient is what at least half did.
- all: `images/` and `masks/`.

Files that need no change are hard links to the source's, or copies on another disk.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.counting import counter
from data_prep.base.errors import InputError, damage_named, shortened
from data_prep.dataset_layouts import LAYOUTS, Labelled, find_labelled
from data_prep.pictures.images import photo_size, read_rgb, write_png
from data_prep.pictures.masks import read_mask

SPLITS = {"train": 2500, "valid": 500, "test": 2000}  # of MSRA-B
_PAINT = 128  # least difference of a painted pixel's channels; grey ones differ by nothing


def import_dataset(
    *,
    dataset: str,
    source: str | os.PathLike,
    output: str | os.PathLike,
    split_lists: str | os.PathLike | None = None,
) -> dict[Path, int]:
    """Lays a data set out; everything is checked before the first file is written.

    Args:
        dataset: a key of `LAYOUTS`.
        source: where it was unpacked to.
        output: gets `images/<id>.<suffix>` and `masks/<id>.<suffix>`; with lists, a folder of
            these for each of `train`, `valid` and `test`. May hold what this import left before.
        split_lists: folder of MSRA-B's lists, or None.

    Returns:
        The folders that got images/ and masks/, with their number of photos.

    Raises:
        InputError: naming what is missing, damaged, of another size or in the way.
    """
    if split_lists and dataset != "msra_b":
        raise InputError("--split_lists: only msra_b is published with lists; leave it out")
    labelled = find_labelled(dataset, Path(source))
    for each in labelled:
        _check_sizes(each)
    parts = {Path(output): labelled}
    if split_lists:
        splits = _split(labelled, Path(split_lists))
        parts = {Path(output) / split: part for split, part in splits.items()}
    for folder, part in parts.items():
        _check_output(folder, part)
    with counter("photos", total=len(labelled)) as count:
        for folder, part in parts.items():
            for each in part:
                _place(each.photo, folder / "images" / _file_name(each, each.photo))
                _place_mask(each, folder / "masks", graded=dataset == "pascal_s")
                count(1)
    return {folder: len(part) for folder, part in parts.items()}


def _check_sizes(each: Labelled) -> None:
    size = photo_size(each.photo)
    for mask in each.masks:
        wanted = photo_size(mask)
        if wanted != size:
            raise InputError(
                f"{mask}: is {wanted[1]}x{wanted[0]}, its photo {each.photo} {size[1]}x{size[0]}; "
                "unpack both again"
            )


def _split(labelled: Sequence[Labelled], lists: Path) -> dict[str, list[Labelled]]:
    """Divides MSRA-B by its lists.

    Raises:
        InputError: where a list is missing, of another length, names what is not there, or names
            what another list names.
    """
    by_id = {each.id: each for each in labelled}
    parts, taken = {}, {}
    for split, count in SPLITS.items():
        path = _list_file(lists, split)
        with damage_named(path, "fetch it again, or store it as UTF-8"):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        ids = [_listed_id(line) for line in lines if line.strip()]
        if len(ids) != count:
            raise InputError(f"{path}: names {len(ids)} files, MSRA-B's {count}; fetch it again")
        absent = [photo_id for photo_id in ids if photo_id not in by_id]
        if absent:
            raise InputError(f"{path}: no photo {shortened(absent)}; unpack MSRA-B again")
        for photo_id in ids:
            if photo_id in taken:
                raise InputError(f"{path}: {photo_id} is in {taken[photo_id]} already; mend one")
            taken[photo_id] = path
        parts[split] = [by_id[photo_id] for photo_id in ids]
    return parts


def _listed_id(line: str) -> str:
    """The id of the photo that a line names, with a suffix or not, behind folders or not."""
    name = line.strip().replace("\\", "/").rpartition("/")[-1]
    return name.rpartition(".")[0] or name


def _list_file(lists: Path, split: str) -> Path:
    names = [f"{split}_cvpr2013.txt", f"{split}.txt"]
    for name in names:
        if (lists / name).is_file():
            return lists / name
    raise InputError(f"{lists}: holds neither {' nor '.join(names)}; fetch MSRA-B's lists")


def _check_output(folder: Path, part: Sequence[Labelled]) -> None:
    """Refuses a folder in which photos of something else would pass for these."""
    ids = {each.id for each in part}
    for kind in ("images", "masks"):
        there = folder / kind
        # What an import that was killed left half made is no photo of something else.
        whole = [path for path in there.glob("*") if path.suffix != ".partial"]
        others = [path.name for path in whole if path.stem not in ids]
        if others:
            raise InputError(
                f"{there}: holds {shortened(sorted(others))} already; choose an empty --output"
            )


def _place_mask(each: Labelled, folder: Path, *, graded: bool) -> None:
    """Links a mask that is one file of black and white, or makes it of what there is."""
    target = folder / f"{each.id}.png"
    if each.painted:
        votes = np.mean([_painted(path) for path in each.masks], axis=0)
        write_png(target, np.where(votes > 0.5, np.uint8(255), np.uint8(0)))
    elif len(each.masks) > 1 or graded:
        write_png(target, np.max([read_mask(path) for path in each.masks], axis=0))
    else:
        _place(each.masks[0], folder / _file_name(each, each.masks[0]))


def _painted(path: Path) -> np.ndarray:
    """Which pixels are painted in colour, bool [H, W]."""
    rgb = read_rgb(path).astype(np.int16)
    return rgb.max(axis=-1) - rgb.min(axis=-1) >= _PAINT


def _file_name(each: Labelled, path: Path) -> str:
    return f"{each.id}{path.suffix.lower()}"


def _place(source: Path, target: Path) -> None:
    """Makes `target` a hard link to a file, or a copy on another disk; whole or not at all."""
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        try:
            os.link(source.resolve(), partial)
        except OSError:
            shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_enum("dataset", None, sorted(LAYOUTS), "Which data set.", required=True)
    flags.DEFINE_string("source", None, "Where its archives were unpacked to.", required=True)
    flags.DEFINE_string("output", None, "Folder that gets images/ and masks/.", required=True)
    flags.DEFINE_string("split_lists", None, "Folder of MSRA-B's three lists.")


def main(_: Sequence[str]) -> None:
    """Imports a data set as the flags say."""
    values = flags.FLAGS
    made = import_dataset(
        dataset=values.dataset,
        source=values.source,
        output=values.output,
        split_lists=values.split_lists,
    )
    layout = LAYOUTS[values.dataset]
    for folder, count in made.items():
        print(f"{count} photos: --images={folder}/images --masks={folder}/masks")
    if sum(made.values()) != layout.count:
        print(f"note: {layout.title} was published with {layout.count} photos", file=sys.stderr)


if __name__ == "__main__":
    define_flags()
    start(main)
