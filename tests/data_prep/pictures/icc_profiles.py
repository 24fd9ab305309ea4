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


def made_profile(tags: dict[bytes, bytes], space: bytes = b"RGB ") -> bytes:
    """A display profile of these elements."""
    table, elements = b"", b""
    begin = 128 + 4 + 12 * len(tags)
    for name, element in tags.items():
        table += struct.pack(">4sII", name, begin + len(elements), len(element))
        elements += element + bytes(-len(element) % 4)
    body = struct.pack(">I", len(tags)) + table + elements
    white = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    kind = b"\2\x40\0\0" + b"mntr" + space + b"XYZ "
    head = struct.pack(">I4x16s12s4s", 128 + len(body), kind, date, b"acsp")
    return head.ljust(68, b"\0") + white.ljust(60, b"\0") + body


def with_curve(curve: bytes) -> bytes:
    """The primaries of Display P3 and one curve for all colours."""
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))
        for name, values in DISPLAY_P3.items()
    }
    return made_profile(tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_with_curve(curve: bytes) -> bytes:
    return made_profile({b"kTRC": curve}, b"GRAY")


def sampled_curve(*samples: int) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(f">I{len(samples)}H", len(samples), *samples)


def formula_curve(function: int, *parameters: float) -> bytes:
    fixed = [round(65536 * value) for value in parameters]
    return b"para\0\0\0\0" + struct.pack(f">HH{len(fixed)}i", function, 0, *fixed)
