"""Opening an image file: which decoders see it, how large it may be, what its failures say."""

import contextlib
import functools
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from data_prep.base.errors import InputError

MAX_PIXELS = 150_000_000  # 12,000 x 12,000 passes; Pillow itself refuses above 178,956,970

# Only these decoders see a file, whatever it is called: some of Pillow's others start programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
_HEIF = "HEIF"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_ORIENTATION_TAG = 0x0112
TURNS = {  # EXIF orientation -> what makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BYTES = "the photo's bytes"  # what a message calls them


class ImageError(InputError):
    """One file cannot be used as a picture; the message is one line naming it and the mend."""


File = str | os.PathLike | bytes  # a file's path, or its bytes


@contextlib.contextmanager
def opened(file: File, max_pixels: int) -> Iterator[Image.Image]:
    """Opens an image file and bounds its size; whatever goes wrong inside becomes an ImageError."""
    path, file = (BYTES, io.BytesIO(file)) if isinstance(file, bytes) else (file, Path(file))
    try:
        if isinstance(file, Path) and file.is_dir():
            raise ImageError(f"{path}: is a folder, not a photo; name one photo")
        size = file.stat().st_size if isinstance(file, Path) else len(file.getvalue())
        if size == 0:
            raise ImageError(f"{path}: is empty; fetch it again or remove it")
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error.strerror}); check its name") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata and large sizes; both are judged here
        try:
            with Image.open(file, formats=_formats()) as image:
                if image.width * image.height > max_pixels:
                    raise Image.DecompressionBombError
                yield image
        except ImageError:
            raise
        except Image.UnidentifiedImageError:
            if _is_heif(file) and _HEIF not in _formats():
                raise ImageError(
                    f"{path}: is a HEIC photo; pip install 'deepusps_tf[heif]', or convert it to "
                    "JPEG"
                ) from None
            raise ImageError(
                f"{path}: is no picture this program reads; convert it to JPEG or PNG, or remove it"
            ) from None
        except Image.DecompressionBombError:
            raise ImageError(
                f"{path}: has more than {max_pixels:,} pixels; shrink it or remove it"
            ) from None
        except MemoryError:
            raise ImageError(f"{path}: does not fit into memory; shrink it or remove it") from None
        except Exception as error:  # decoders meet hostile bytes: any failure means a broken file
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ImageError(
                f"{path}: is damaged ({reason}); fetch it again or remove it"
            ) from None


@functools.cache
def _formats() -> tuple[str, ...]:
    """What can be read here; HEIF where its plugin is installed."""
    try:
        import pillow_heif
    except ImportError:
        return _FORMATS
    pillow_heif.register_heif_opener()
    return (*_FORMATS, _HEIF)


def _is_heif(file: Path | io.BytesIO) -> bool:
    """Whether a file says that it is HEIF, of which HEIC is a kind."""
    with file.open("rb") if isinstance(file, Path) else io.BytesIO(file.getvalue()) as stream:
        head = stream.read(12)
    return head[4:8] == b"ftyp" and head[8:] in _HEIF_BRANDS


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Gives the upright (height, width) of a picture of (width, height) as stored."""
    width, height = size
    return (width, height) if orientation >= 5 else (height, width)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1..8, that is still to be done, 1 where there is none.

    It decodes a PNG, in which the orientation may stand last.
    """
    if image.format == "TIFF":
        return 1  # Pillow turns these itself, and tells their upright size; so does HEIF's plugin
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1
    return orientation if orientation in TURNS else 1
