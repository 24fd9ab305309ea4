"""ICC profiles made of Pillow's own sRGB one."""

import struct

from PIL import ImageCms

DISPLAY_P3 = {  # primaries adapted to D50
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """One that takes red for green and green for red."""
    profile = srgb_profile()
    return (
        profile.replace(b"rXYZ", b"tmp ", 1)
        .replace(b"gXYZ", b"rXYZ", 1)
        .replace(b"tmp ", b"gXYZ", 1)
    )


def p3_profile() -> bytes:
    """Display P3: other primaries, the same curve."""
    profile = bytearray(srgb_profile())
    for tag, values in DISPLAY_P3.items():
        entry = profile.index(tag)
        (offset,) = struct.unpack_from(">I", profile, entry + 4)
        fixed = [round(value * 65536) for value in values]
        struct.pack_into(">3i", profile, offset + 8, *fixed)
    return bytes(profile)
