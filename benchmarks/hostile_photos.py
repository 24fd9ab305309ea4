"""Broken and hostile photo files, drawn from a seed: what a folder from outside may hold."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

_SIDE = 48


def hostile_photo(random: np.random.Generator) -> tuple[str, bytes]:
    """Draws one file: what was done to it, and its bytes.

    Half are pictures of a common format that were cut, overwritten or lied about; the rest were
    made to hurt a decoder or are no pictures at all.
    """
    if random.random() < 0.3:
        name = random.choice(sorted(_CRAFTED))
        return name, _CRAFTED[name](random)
    kind = random.choice(sorted(_FORMATS))
    damage = random.choice(sorted(DAMAGES))
    return f"{kind}, {damage}", DAMAGES[damage](picture(kind, random), random)


def picture(kind: str, random: np.random.Generator) -> bytes:
    """Encodes a small photo of noise and a bright square as `kind`, one of `_FORMATS`."""
    pixels = random.integers(0, 80, (_SIDE, _SIDE, 3), np.uint8)
    pixels[12:30, 12:30] = (220, 120, 40)
    mode, options = _FORMATS[kind]
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, **options)
    return stream.getvalue()


def cut(data: bytes, random: np.random.Generator) -> bytes:
    """Keeps the start of a file."""
    return data[: random.integers(0, max(1, len(data)))]


def overwrite(data: bytes, random: np.random.Generator) -> bytes:
    """Puts random bytes in up to 20 places."""
    damaged = bytearray(data)
    for place in random.integers(0, len(data), random.integers(1, 21)) if data else ():
        damaged[place] = random.integers(0, 256)
    return bytes(damaged)


def blank(data: bytes, random: np.random.Generator) -> bytes:
    """Puts zeros over a stretch, as a disk does with a page that it lost."""
    start, end = sorted(random.integers(0, len(data) + 1, 2))
    return data[:start] + bytes(end - start) + data[end:]


def insert(data: bytes, random: np.random.Generator) -> bytes:
    """Puts up to 64 random bytes in."""
    place = random.integers(0, len(data) + 1)
    return data[:place] + random.bytes(random.integers(1, 65)) + data[place:]


DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "cut": cut,
    "overwritten": overwrite,
    "blanked": blank,
    "bytes put in": insert,
}
_FORMATS = {
    "JPEG": ("RGB", {"format": "JPEG"}),
    "progressive JPEG": ("RGB", {"format": "JPEG", "progressive": True}),
    "CMYK JPEG": ("CMYK", {"format": "JPEG"}),
    "PNG": ("RGB", {"format": "PNG"}),
    "palette PNG": ("P", {"format": "PNG"}),
    "PNG with opacity": ("RGBA", {"format": "PNG"}),
    "GIF": ("P", {"format": "GIF"}),
    "BMP": ("RGB", {"format": "BMP"}),
    "WebP": ("RGB", {"format": "WEBP"}),
    "TIFF": ("RGB", {"format": "TIFF", "compression": "tiff_lzw"}),
}


def png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: bytes) -> bytes:
    """Builds a grey PNG that declares width x height, whatever its rows hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def _large_declared(random: np.random.Generator) -> bytes:
    side = int(random.integers(20_000, 2**31 - 1))
    return png(side, int(random.integers(20_000, 2**31 - 1)), rows=bytes(1000))


def _text_bomb(_: np.random.Generator) -> bytes:
    text = b"comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    return png(4, 4, (b"zTXt", text), rows=bytes(20))


def _too_many_rows(random: np.random.Generator) -> bytes:
    return png(4, 4, rows=bytes(int(random.integers(10, 100)) * 1_000_000))


def _no_pixels(random: np.random.Generator) -> bytes:
    return png(0, int(random.integers(0, 2)), rows=b"")


def _thin(random: np.random.Generator) -> bytes:
    height = int(random.integers(1, 60_000))
    return png(1, height, rows=bytes(2 * height))


def _many_frames(_: np.random.Generator) -> bytes:
    frames = [Image.new("L", (8, 8), k % 256) for k in range(500)]
    stream = io.BytesIO()
    frames[0].save(stream, format="GIF", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def _large_gif(random: np.random.Generator) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + random.bytes(40) + b";"


def _large_jpeg(random: np.random.Generator) -> bytes:
    data = bytearray(picture("JPEG", random))
    frame = data.index(b"\xff\xc0") + 5
    data[frame : frame + 4] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


def _odd_exif(random: np.random.Generator) -> bytes:
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + struct.pack("<HHHII", 65_535, 0x112, 3, 1, 77)
    stream = io.BytesIO()
    Image.new("RGB", (20, 10)).save(stream, format="JPEG", exif=exif + random.bytes(30))
    return stream.getvalue()


def _looping_tiff(random: np.random.Generator) -> bytes:
    return b"II*\0" + struct.pack("<IHI", 8, 0, 8) + random.bytes(8)


def _archive(_: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../outside.txt", bytes(1_000_000))
    return stream.getvalue()


_CRAFTED: dict[str, Callable[[np.random.Generator], bytes]] = {
    "PNG of too many pixels": _large_declared,
    "PNG with a text of 200 MB in 200 KB": _text_bomb,
    "PNG with more rows than it declares": _too_many_rows,
    "PNG without pixels": _no_pixels,
    "PNG one pixel wide": _thin,
    "GIF of 500 frames": _many_frames,
    "GIF of 4 gigapixels": _large_gif,
    "JPEG that declares 4 gigapixels": _large_jpeg,
    "JPEG with broken EXIF": _odd_exif,
    "TIFF whose directory names itself": _looping_tiff,
    "ZIP with a name that climbs out": _archive,
    "nothing": lambda _: b"",
    "random bytes": lambda random: random.bytes(int(random.integers(1, 5000))),
    "PostScript": lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) print\n",
    "HTML": lambda _: b"<html><title>404</title>not found</html>",
    "SVG": lambda _: b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9"/></svg>',
    "pickle": lambda _: b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.",
}
