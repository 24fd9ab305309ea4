"""The embedded sample: photos with truth masks, without a download.

    python -m data_prep.sample --output=DIR [--sample_size=80] [--seed=0] [--contact_sheets=DIR]

It writes

    DIR/train/images/<id>.jpg   DIR/train/masks/<id>.png    (0 and 255)
    DIR/test/images/<id>.jpg    DIR/test/masks/<id>.png
    DIR/sources.json            size, seed, and for each image its photographs

The first images of a split are photographs as they are, with masks traced by hand; the others are
composites of their objects on other photographs' backgrounds. A photograph gives pixels to one
split only, so the test split shows objects and backgrounds that training has never seen. The masks
serve evaluation. Where the photographs come from, and their licences: `data_prep.sample.sources`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from absl import flags

from data_prep.base.counting import counter
from data_prep.base.errors import InputError
from data_prep.sample.composites import compose
from data_prep.sample.sources import BACKGROUNDS, CUT_OUTS, PHOTOGRAPHS, SCENES, load_scene

MIN_SIZE = 24
MAX_SIZE = 5000
MIN_TEST = 12
TEST_SHARE = 0.2
SPLITS = ("train", "test")
SOURCES = "sources.json"
_FORMAT = 1
_JPEG_QUALITY = 95
_SCENE_LONG_SIDE = 400
_SCENE_SHORT_SIDE = 300


@dataclass(frozen=True)
class SampleSummary:
    """What a sample folder holds.

    Attributes:
        train: Images in the train split.
        test: Images in the test split.
        kept: True if the folder was there already, whole and with this size and seed.
    """

    train: int
    test: int
    kept: bool


def write_sample(*, output: Path, size: int, seed: int, progress: bool = True) -> SampleSummary:
    """Writes the embedded sample into a new folder, or keeps the same sample if it is there.

    The bytes depend on `size` and `seed` alone (with the same package versions). The folder appears
    under its name only when it is whole.

    Args:
        output: The folder to make; it may exist if it is empty or holds this very sample.
        size: Images in both splits together, MIN_SIZE to MAX_SIZE. The test split gets a fifth of
            them, but at least MIN_TEST.
        seed: Chooses the composites, 0 or above.
        progress: Whether to show how far it is.

    Returns:
        The counts, and whether an existing sample was kept.

    Raises:
        InputError: Size or seed is out of range, the folder holds something else, it cannot be
            written, or a package lacks a photograph.
    """
    output = Path(output)
    check_size(size)
    if seed < 0:
        raise InputError(f"seed={seed}: choose 0 or above")
    counts = split_counts(size)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        _check_same(output, size=size, seed=seed, counts=counts)
        return SampleSummary(**counts, kept=True)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as scratch:
            folder = Path(scratch) / "sample"
            _write_splits(folder, size=size, seed=seed, counts=counts, progress=progress)
            folder.rename(output)
    except OSError as error:
        raise InputError(
            f"{output}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    return SampleSummary(**counts, kept=False)


def split_counts(size: int) -> dict[str, int]:
    """How many images of a sample each split gets."""
    test = max(MIN_TEST, round(size * TEST_SHARE))
    return {"train": size - test, "test": test}


def check_size(size: int) -> None:
    """Raises `InputError` for a sample that would be too small or too large."""
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(f"--sample_size={size}: choose {MIN_SIZE} to {MAX_SIZE} images")


def _check_same(output: Path, *, size: int, seed: int, counts: dict[str, int]) -> None:
    try:
        found = json.loads((output / SOURCES).read_text(encoding="utf-8"))
        same = (found["format"], found["size"], found["seed"]) == (_FORMAT, size, seed)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{output}: exists and is no sample; choose another folder") from None
    if not same:
        raise InputError(f"{output}: holds a sample of another size or seed; choose another folder")
    for split, count in counts.items():
        for index in range(count):
            for path in _paths(output, split, index):
                if not path.is_file():
                    raise InputError(f"{path}: is missing from the sample; choose another folder")


def _paths(folder: Path, split: str, index: int) -> tuple[Path, Path]:
    name = _image_id(split, index)
    return folder / split / "images" / f"{name}.jpg", folder / split / "masks" / f"{name}.png"


def _image_id(split: str, index: int) -> str:
    return f"{split}-{index:04d}"


def _write_splits(
    folder: Path, *, size: int, seed: int, counts: dict[str, int], progress: bool
) -> None:
    images = {}
    with counter("sample", total=size, unit="image", shown=progress) as show:
        for split, count in counts.items():
            for kind in ("images", "masks"):
                (folder / split / kind).mkdir(parents=True)
            for index, (rgb, mask, source) in enumerate(_images(split, count=count, seed=seed)):
                image_path, mask_path = _paths(folder, split, index)
                bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
                image_path.write_bytes(_encode(".jpg", bgr))
                mask_path.write_bytes(_encode(".png", mask))
                images[_image_id(split, index)] = {"split": split, **source}
                show(1)
    used = sorted({photo for image in images.values() for photo in image["photographs"]})
    photographs = {
        name: {"file": f"{PHOTOGRAPHS[name].package}/{PHOTOGRAPHS[name].path}"} for name in used
    }
    sources = {
        "format": _FORMAT,
        "size": size,
        "seed": seed,
        "photographs": photographs,
        "images": images,
    }
    (folder / SOURCES).write_text(json.dumps(sources, indent=1) + "\n", encoding="utf-8")


def _encode(suffix: str, picture: np.ndarray) -> bytes:
    settings = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix == ".jpg" else []
    return cv2.imencode(suffix, picture, settings)[1].tobytes()


def _images(
    split: str, *, count: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, object]]]:
    """Yields RGB, mask and source of each image of one split; image i is the same at any count."""
    scenes = [scene for scene in SCENES if PHOTOGRAPHS[scene.photo].split == split]
    cut_outs = [item for item in CUT_OUTS if PHOTOGRAPHS[item.photo].split == split]
    grounds = [item for item in BACKGROUNDS if PHOTOGRAPHS[item.photo].split == split]
    for scene in scenes:
        rgb, mask = load_scene(scene)
        rgb, mask = _shrink_scene(rgb, mask)
        yield rgb, mask, {"object": scene.outline, "photographs": [scene.photo]}
    for index in range(count - len(scenes)):
        rng = np.random.default_rng((seed, SPLITS.index(split), index))
        cut_out = cut_outs[index % len(cut_outs)]
        choice = [ground for ground in grounds if ground.photo != cut_out.photo]
        rgb, mask, ground = compose(rng, cut_out=cut_out, backgrounds=choice)
        photographs = [cut_out.photo, ground.photo]
        yield rgb, mask, {"object": cut_out.outline, "photographs": photographs}


def _shrink_scene(rgb: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shrinks to the composites' size: at most 400 pixels long and, unless longer, 300 short."""
    height, width = mask.shape
    scale = min(1.0, _SCENE_LONG_SIDE / max(height, width), _SCENE_SHORT_SIDE / min(height, width))
    size = (round(width * scale), round(height * scale))
    cover = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return rgb, np.where(cover >= 128, 255, 0).astype(np.uint8)


def contact_sheet(*, split_folder: Path, output: Path, columns: int = 8, cell: int = 200) -> None:
    """Draws every image of a split with its mask's contour into one PNG, for looking at.

    Args:
        split_folder: A folder with images/ and masks/.
        output: The PNG to write.
        columns: Pictures in a row.
        cell: Side of the square that each picture is fitted into, in pixels.

    Raises:
        InputError: The folder holds no images.
    """
    paths = sorted((split_folder / "images").glob("*.jpg"))
    if not paths:
        raise InputError(f"{split_folder}: holds no images; give a split of a sample")
    rows = -(-len(paths) // columns)
    sheet = np.zeros((rows * cell, columns * cell, 3), np.uint8)
    for index, path in enumerate(paths):
        picture = cv2.imread(str(path))
        mask = cv2.imread(str(split_folder / "masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, (0, 255, 0), 1)
        scale = (cell - 4) / max(mask.shape)
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        top, left = index // columns * cell, index % columns * cell
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(_encode(".png", sheet))


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_string("output", None, "Folder to make the sample in.", required=True)
    flags.DEFINE_integer("sample_size", 80, f"Images, {MIN_SIZE} to {MAX_SIZE}.")
    flags.DEFINE_integer("seed", 0, "Chooses the composites.")
    flags.DEFINE_string("contact_sheets", None, "Folder that gets train.png and test.png.")


def main(_: Sequence[str]) -> None:
    """Makes the sample as the flags say."""
    values = flags.FLAGS
    output = Path(values.output)
    summary = write_sample(output=output, size=values.sample_size, seed=values.seed)
    if values.contact_sheets:
        for split in SPLITS:
            sheet = Path(values.contact_sheets) / f"{split}.png"
            contact_sheet(split_folder=output / split, output=sheet)
    print(
        f"{summary.train} train and {summary.test} test images"
        f" {'kept' if summary.kept else 'written'} in {output}",
        file=sys.stderr,
    )
