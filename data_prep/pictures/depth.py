"""Values of more than 8 bits: which of them is white, and the picture in 8 bits."""

import cv2
import numpy as np
from PIL import Image

from data_prep.base.command import say
from data_prep.pictures.opening import BYTES, File, ImageError

DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and microscopes measure with
SIXTEEN_BITS = 65535
_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284  # TIFF tags
_LARGEST = (341, 281)  # SMaxSampleValue, MaxSampleValue
_COLOUR_MODES = ("RGB", "RGBA", "RGBX", "LA")
_told: set[int] = set()  # depths


def white_of(largest: int, declared: int | None = None) -> int:
    """Finds the value that is white in a file of 16 bits.

    A file that says how many bits it uses is believed, unless a value needs more. Of one that does
    not, the fewest of `DEPTHS` that hold the largest value are taken: instruments of 12 bits write
    their values into 16 as they are, whereas a photo of all 16 bits without a pixel above a quarter
    of the range is rare, and only shown brighter by this.

    Args:
        largest: the largest value, 0..65535.
        declared: bits that the file says it uses.
    """
    if declared is not None and largest < 1 << declared <= SIXTEEN_BITS:
        return (1 << declared) - 1
    if declared is not None or largest == 0:
        return SIXTEEN_BITS
    return next((1 << bits) - 1 for bits in DEPTHS if largest < 1 << bits)


def eight_bits(values: np.ndarray, name: File, declared: int | None = None) -> np.ndarray:
    """Scales values of 16 bits to 8, white by `white_of`; says where it had to judge by them.

    Args:
        values: uint16 [H, W] or [H, W, C]; the last of 2 or 4 channels is the opacity, which has a
            white of its own.
        name: of the photo, for what is said.
        declared: as of `white_of`.

    Returns:
        uint8 of the same shape.
    """
    if values.ndim == 3 and values.shape[2] in (2, 4):
        colours, opacity = values[..., :-1], values[..., -1:]
        own = _scaled(opacity, white_of(int(opacity.max()), declared))
        return np.concatenate([eight_bits(colours, name, declared), own], axis=-1)
    largest = int(values.max())
    white = white_of(largest, declared)
    if declared is None and white < SIXTEEN_BITS:
        _tell(BYTES if isinstance(name, bytes) else str(name), largest, white.bit_length())
    return _scaled(values, white)


def loaded(image: Image.Image, name: File) -> Image.Image:
    """Decodes a picture, of which 16 bits become 8; what Pillow itself brings to 8 stays.

    Args:
        image: as opened, in whatever mode.
        name: for messages.

    Returns:
        The picture itself, or one of mode L, LA, RGB or RGBA with its profile and EXIF block.

    Raises:
        ImageError: its pixels are floating-point numbers, or whole ones beyond 16 bits, or of a
            form that cannot be read.
    """
    declared = _declared_bits(image)
    content = _content(image) if _has_wide_colours(image) else None
    image.load()
    label = BYTES if isinstance(name, bytes) else name
    if image.mode == "F":
        raise ImageError(f"{label}: has floating-point pixels; save it as an 8- or 16-bit picture")
    if content is not None:
        values = _colours(content, image, label)
    elif image.mode.startswith("I"):
        values = _greys(image, label)
    else:
        return image
    eight = eight_bits(values, name, declared)
    if _white_is_zero(image):
        eight = 255 - eight
    result = Image.fromarray(eight)
    kept = {key: value for key, value in image.info.items() if key != "transparency"}
    result.info.update(kept)
    return result


def _tell(name: str, largest: int, bits: int) -> None:
    """Says, once a process for each depth, that a photo's was judged by its values."""
    if bits not in _told:
        _told.add(bits)
        say(
            f"{name}: its 16-bit values reach only {largest}, so it is read as one of {bits} bits, "
            "and so are others like it; if it is that dark, save it with 8 bits"
        )


def _scaled(values: np.ndarray, white: int) -> np.ndarray:
    table = np.minimum(np.arange(SIXTEEN_BITS + 1) * 255 // white, 255).astype(np.uint8)
    return table[values]


def _declared_bits(image: Image.Image) -> int | None:
    """How many bits a file says that its values use; None where it does not."""
    if image.format == "HEIF":
        return image.info.get("bit_depth", 16)
    if image.format == "PNG":
        return _significant_bits(image)
    tags = getattr(image, "tag_v2", {})
    stored = _largest(tags.get(_BITS))
    if stored is not None and 8 < stored < 16:
        return stored
    said = next(filter(None, (_largest(tags.get(tag)) for tag in _LARGEST)), None)
    return None if said is None or said > SIXTEEN_BITS else said.bit_length()


def _significant_bits(image: Image.Image) -> int | None:
    """What the chunk sBIT of a PNG says, which stands among the first ones."""
    if not image.tile or image.fp is None:
        return None
    place = image.fp.tell()
    image.fp.seek(8)
    said = None
    while len(head := image.fp.read(8)) == 8 and head[4:] not in (b"IDAT", b"PLTE", b"IEND"):
        size = int.from_bytes(head[:4], "big")
        if head[4:] == b"sBIT":
            said = max(image.fp.read(min(size, 4)), default=None)
            break
        image.fp.seek(size + 4, 1)
    image.fp.seek(place)
    return said if said and said <= 16 else None


def _largest(tag) -> int | None:
    """The largest whole number of a TIFF tag, from 1; None where it holds none."""
    numbers = tag if isinstance(tag, tuple) else (tag,)
    whole = [each for each in numbers if isinstance(each, int) and each > 0]
    return max(whole, default=None)


def _has_wide_colours(image: Image.Image) -> bool:
    """Whether a file has colours, or grey with opacity, of 16 bits, which Pillow cuts to 8."""
    if image.mode not in _COLOUR_MODES or not getattr(image, "tile", None):
        return False
    if image.format == "PNG":
        return ";16" in str(image.tile[0].args)
    return image.format == "TIFF" and _largest(image.tag_v2.get(_BITS)) == 16


def _content(image: Image.Image) -> bytes:
    """A file's bytes, before it is decoded."""
    place = image.fp.tell()
    image.fp.seek(0)
    content = image.fp.read()
    image.fp.seek(place)
    return content


def _colours(content: bytes, image: Image.Image, label: object) -> np.ndarray:
    """Decodes colours of 16 bits: uint16 [H, W, 3] or [H, W, 4], upright where it is a TIFF."""
    values = None
    if image.format == "PNG" or image.tag_v2.get(_PLANES, 1) == 1:
        values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.shape[:2] != image.size[::-1]:
        raise ImageError(f"{label}: has 16-bit colours in a form not known; save it as 8-bit PNG")
    if values.ndim == 2:
        return values
    rgb = values[..., 2::-1]
    with_opacity = values.shape[2] == 4 and image.mode != "RGBX"
    return np.dstack([rgb, values[..., 3]]) if with_opacity else np.ascontiguousarray(rgb)


def _greys(image: Image.Image, label: object) -> np.ndarray:
    """Grey of 16 or 32 bits: uint16 [H, W], or [H, W, 2] where one of its values is transparent."""
    values = np.asarray(image)
    if values.min() < 0 or values.max() > SIXTEEN_BITS:
        raise ImageError(
            f"{label}: has values below 0 or above {SIXTEEN_BITS}; save it with 8 or 16 bits"
        )
    values = values.astype(np.uint16)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        opaque = np.where(values == clear, 0, SIXTEEN_BITS).astype(np.uint16)
        return np.dstack([values, opaque])
    if image.format == "HEIF":
        return values >> (16 - _declared_bits(image))  # the plugin shifted them
    return values


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF's grey is inverted, which Pillow heeds in 8 bits alone."""
    tags = getattr(image, "tag_v2", {})
    return image.mode.startswith("I") and tags.get(_PHOTOMETRIC) == 0
