"""A photo in every format with every feature, and the page of what became of each.

python -m tests.photo_formats writes docs/formats.md anew.
"""

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import tifffile
from PIL import Image

from tests.data_prep.pictures.icc_profiles import swapped_profile

PAGE = Path(__file__).parents[1] / "docs/formats.md"
SIDE = 32
LOSS = 10  # levels by which a lossy file may differ from what was put into it
FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")
FEATURES = (
    "colours",
    "grey",
    "1 bit",
    "palette",
    "10 or 12 bits",
    "16 bits",
    "opacity",
    "orientation",
    "ICC profile",
    "several pictures",
    "CMYK",
)
READ, NOT_SERVED, REFUSED, NONE = "yes", "yes, not served", "no", "-"

# Ramps that differ a channel and a direction: every turn, flip, order and scale shows.
_X, _Y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
RGB = np.stack([_X * 8, _Y * 6, 255 - (_X + _Y) * 3], axis=-1).astype(np.uint8)
_GREY = RGB[..., 0]
_CLEAR = np.where(_X + _Y < 12, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Sample:
    """A file's bytes, and the pixels uint8 [SIDE, SIDE, 3] that it must be read as."""

    content: bytes
    expected: np.ndarray


def samples() -> dict[tuple[str, str], Sample]:
    """Makes the file of each format and feature; of what a format has not, none."""
    makers: Mapping[str, Callable[[str], Sample | None]] = {
        "colours": lambda kind: _saved(kind, RGB, RGB),
        "grey": lambda kind: _saved(kind, _GREY, _three(_GREY)),
        "1 bit": _one_bit,
        "palette": _palette,
        "10 or 12 bits": _few_bits,
        "16 bits": lambda kind: _wide(kind, RGB.astype(np.uint16) * 257),
        "opacity": _opacity,
        "orientation": _orientation,
        "ICC profile": _profile,
        "several pictures": _several,
        "CMYK": _cmyk,
    }
    made = {(kind, feature): makers[feature](kind) for kind in FORMATS for feature in FEATURES}
    return {place: sample for place, sample in made.items() if sample is not None}


def is_lossy(kind: str) -> bool:
    return kind in ("JPEG", "AVIF", "HEIC")


def page(outcomes: Mapping[tuple[str, str], str]) -> str:
    """Renders the page of what became of each file; what has no outcome has no file."""
    head = f"| | {' | '.join(FEATURES)} |\n|---{'|---' * len(FEATURES)}|\n"
    rows = "".join(
        f"| {kind} | {' | '.join(outcomes.get((kind, each), NONE) for each in FEATURES)} |\n"
        for kind in FORMATS
    )
    return (
        "# Formats\n\n## Photos\n\n"
        "What is read of each format. A test makes a file for every cell, reads it by `prepare`, "
        "`predict`, Beam's preparation\nand the exported model's `bytes` signature, compares the "
        "pixels with those that were put in, and holds this page to the\noutcome "
        "(`python -m tests.photo_formats` writes it). Of several pictures in a file the first, or "
        "the main one, is taken; HEIC\nneeds the extra `heif`.\n\n"
        f"{head}{rows}\n"
        f"*{READ}*: the right pixels by all four; *{NOT_SERVED}*: the exported model refuses such "
        f"bytes; *{REFUSED}*: refused\nby all; *{NONE}*: the format has no such photos, or nothing "
        "here writes them. The exported model reads profiles of\ncurves and primaries, as phones, "
        "cameras and screens have; it refuses those of colour tables.\n\n"
        "A photo of any size is shown to the network as one square made of all its pixels, the "
        "same to the bit by `predict`,\n`load().predict`, the scoring of folders and the exported "
        "model (those with a profile nearly). Records hold larger photos\nat `--max_side` pixels.\n"
    )


def _three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def _encoded(kind: str, picture: Image.Image, **options) -> bytes:
    own = {
        "JPEG": {"quality": 98, "subsampling": 0},
        "WebP": {"lossless": True, "exact": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
        "HEIC": {"quality": 100, "subsampling": "4:4:4"},
    }
    pillow_heif.register_heif_opener()
    stream = io.BytesIO()
    name = "HEIF" if kind == "HEIC" else kind
    picture.save(stream, name, **{**own.get(kind, {}), **options})
    return stream.getvalue()


def _saved(kind: str, pixels, expected: np.ndarray, **options) -> Sample:
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    if kind == "GIF" and picture.mode == "RGB":
        picture = picture.quantize(256, dither=Image.Dither.NONE)
        expected = np.asarray(picture.convert("RGB"))
    return Sample(_encoded(kind, picture, **options), expected)


def _one_bit(kind: str) -> Sample | None:
    if kind not in ("PNG", "BMP", "TIFF"):
        return None
    picture = Image.fromarray(_GREY).convert("1", dither=Image.Dither.NONE)
    return _saved(kind, picture, np.where(_three(_GREY) >= 128, 255, 0).astype(np.uint8))


def _palette(kind: str) -> Sample | None:
    if kind not in ("PNG", "GIF", "BMP", "TIFF"):
        return None
    picture = Image.fromarray(RGB).quantize(200)
    return _saved(kind, picture, np.asarray(picture.convert("RGB")))


def _few_bits(kind: str) -> Sample | None:
    if kind in ("PNG", "TIFF"):
        twelve = (RGB.astype(int) * 4095 + 254) // 255  # what comes to RGB again, rounded down
        return _wide(kind, twelve.astype(np.uint16))
    ten = RGB.astype(np.uint16) * 257
    if kind == "HEIC":
        stream = io.BytesIO()
        heif = pillow_heif.from_bytes("RGB;16", (SIDE, SIDE), ten.tobytes())
        heif.save(stream, quality=100, chroma=444)
        return Sample(stream.getvalue(), RGB)
    if kind == "AVIF":
        options = [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100]
        return Sample(cv2.imencode(".avif", ten[..., ::-1] >> 6, options)[1].tobytes(), RGB)
    return None


def _wide(kind: str, values: np.ndarray) -> Sample | None:
    if kind == "PNG":
        return Sample(cv2.imencode(".png", values[..., ::-1])[1].tobytes(), RGB)
    if kind == "TIFF":
        stream = io.BytesIO()
        tifffile.imwrite(stream, values, photometric="rgb")
        return Sample(stream.getvalue(), RGB)
    return None


def _opacity(kind: str) -> Sample | None:
    expected = np.where(_CLEAR[..., None] > 0, RGB, np.uint8(255))
    picture = Image.fromarray(np.dstack([RGB, _CLEAR]))
    if kind == "JPEG":
        return None
    if kind == "GIF":
        return Sample(_encoded(kind, picture), _first_frame(_encoded(kind, picture)))
    if kind == "BMP":
        rows = np.ascontiguousarray(np.dstack([RGB[..., ::-1], _CLEAR])[::-1]).tobytes()
        header = struct.pack("<IiiHHIIiiII", 108, SIDE, SIDE, 1, 32, 3, len(rows), 0, 0, 0, 0)
        masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
        start = struct.pack("<2sIHHI", b"BM", 122 + len(rows), 0, 0, 122)
        return Sample(start + header + masks + rows, expected)
    return _saved(kind, picture, expected)


def _first_frame(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        rgba = np.array(image.convert("RGBA"))
    return np.where(rgba[..., 3:] > 0, rgba[..., :3], np.uint8(255))


def _orientation(kind: str) -> Sample | None:
    if kind in ("GIF", "BMP"):
        return None
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(np.ascontiguousarray(np.rot90(RGB)))
    if kind == "HEIC":
        picture.info["exif"] = exif.tobytes()
        return _saved(kind, picture, RGB)
    return _saved(kind, picture, RGB, exif=exif)


def _profile(kind: str) -> Sample | None:
    if kind in ("GIF", "BMP"):
        return None
    return _saved(kind, RGB, RGB[..., [1, 0, 2]], icc_profile=swapped_profile())


def _several(kind: str) -> Sample | None:
    if kind == "BMP":
        return None
    others = [Image.fromarray(255 - RGB)]
    if kind == "GIF":
        others = [others[0].quantize(256, dither=Image.Dither.NONE)]
    name = "MPO" if kind == "JPEG" else kind
    options = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    sample = _saved(name, RGB, RGB, save_all=True, append_images=others, **options)
    return sample if kind != "GIF" else Sample(sample.content, _first_frame(sample.content))


def _cmyk(kind: str) -> Sample | None:
    if kind not in ("JPEG", "TIFF"):
        return None
    picture = Image.fromarray(RGB).convert("CMYK")
    return _saved(kind, picture, np.asarray(picture.convert("RGB")))


if __name__ == "__main__":
    from tests.model_format import section
    from tests.test_formats import export_colours, measured

    PAGE.write_text(page(measured(export_colours())) + section(), encoding="utf-8")
