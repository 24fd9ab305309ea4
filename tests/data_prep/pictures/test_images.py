import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures import images
from data_prep.pictures.images import (
    fit_within,
    photo_size,
    read_rgb,
    read_rgb_within,
    write_png,
)
from data_prep.pictures.masks import read_grey, read_mask
from data_prep.pictures.opening import ImageError
from tests.data_prep.pictures.icc_profiles import p3_profile

# Red, green, blue and grey squares: tells every turn, flip and channel order from the others.
QUADRANTS = np.zeros((40, 64, 3), np.uint8)
QUADRANTS[:20, :32, 0] = QUADRANTS[:20, 32:, 1] = QUADRANTS[20:, :32, 2] = 200
QUADRANTS[20:, 32:] = 90


def save(path, pixels=QUADRANTS, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def png_header(width, height):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff", "gif", "webp"])
def test_lossless_formats_keep_every_pixel(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a b é.{suffix}", **options)
    np.testing.assert_array_equal(read_rgb(path), QUADRANTS)
    assert photo_size(path) == (40, 64)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, QUADRANTS),
        (2, QUADRANTS[:, ::-1]),
        (3, QUADRANTS[::-1, ::-1]),
        (4, QUADRANTS[::-1]),
        (5, QUADRANTS.swapaxes(0, 1)),
        (6, np.rot90(QUADRANTS, -1)),
        (7, QUADRANTS[::-1, ::-1].swapaxes(0, 1)),
        (8, np.rot90(QUADRANTS)),
        (77, QUADRANTS),
    ],
)
def test_exif_orientation(tmp_path, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "turned.jpg", exif=exif, quality=95, subsampling=0)
    rgb = read_rgb(path)
    assert rgb.shape == upright.shape
    assert rgb.flags.c_contiguous
    assert np.abs(rgb.astype(int) - upright).mean() < 2
    small, size = read_rgb_within(path, max_side=32)
    assert size == photo_size(path) == upright.shape[:2]
    assert max(small.shape) == 32
    assert small.shape[0] < small.shape[1] if size[0] < size[1] else small.shape[0] > small.shape[1]
    for suffix in ("png", "tif", "webp"):
        lossless = {"lossless": True} if suffix == "webp" else {}
        path = save(tmp_path / f"turned.{suffix}", exif=exif, **lossless)
        np.testing.assert_array_equal(read_rgb(path), upright)
        assert photo_size(path) == upright.shape[:2]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_bands_of_rows_make_the_whole_photo(tmp_path, monkeypatch, mode, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 53, 4), np.uint8))
    photo = photo.convert("RGB").convert(mode) if mode != "RGBA" else photo
    profile = p3_profile() if mode in ("P", "RGB", "RGBA") else None
    kind = "JPEG" if mode == "CMYK" else "PNG"
    path = tmp_path / "a"
    photo.save(path, kind, exif=exif, icc_profile=profile)
    whole = read_rgb(path)
    monkeypatch.setattr(images, "_AT_ONCE", 300)
    np.testing.assert_array_equal(read_rgb(path), whole)
    assert whole.shape == ((37, 53, 3) if orientation < 5 else (53, 37, 3))


def test_damaged_exif_is_no_damage_to_the_pixels(tmp_path):
    path = save(tmp_path / "a.jpg", exif=b"Exif\0\0XX not a TIFF header")
    assert read_rgb(path).shape == (40, 64, 3)


def test_grey_and_sixteen_bits(tmp_path):
    ramp = np.arange(256, dtype=np.uint8).reshape(8, 32)
    wide = ramp.astype(np.uint16) * 257
    for path in (
        save(tmp_path / "grey.png", ramp),
        save(tmp_path / "wide.png", wide),
        save(tmp_path / "wide.tif", wide),
    ):
        np.testing.assert_array_equal(read_rgb(path), np.repeat(ramp[..., None], 3, axis=2))
        np.testing.assert_array_equal(read_grey(path), ramp)


def test_floating_point_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(ImageError, match="floating-point"):
        read_rgb(path)


def test_cmyk(tmp_path):
    for name in ("a.jpg", "a.tif"):
        Image.fromarray(QUADRANTS).convert("CMYK").save(tmp_path / name)
        assert np.abs(read_rgb(tmp_path / name).astype(int) - QUADRANTS).mean() < 3


def test_transparency_lies_on_white(tmp_path):
    rgba = np.dstack([QUADRANTS, np.full((40, 64), 255, np.uint8)])
    rgba[:20, :, 3] = 0
    rgba[20:, :32, 3] = 51  # one fifth of (0, 0, 200) on four fifths of white
    rgb = read_rgb(save(tmp_path / "a.png", rgba))
    assert (rgb[:20] == 255).all()
    np.testing.assert_array_equal(rgb[30, 10], [204, 204, 244])
    np.testing.assert_array_equal(rgb[30, 50], [90, 90, 90])

    palette = Image.fromarray(QUADRANTS).quantize(4)
    seen = palette.getpixel((0, 0))
    palette.save(tmp_path / "p.png", transparency=seen)
    palette.save(tmp_path / "p.gif", transparency=seen)
    for name in ("p.png", "p.gif"):
        rgb = read_rgb(tmp_path / name)
        np.testing.assert_array_equal(rgb[0, 0], [255, 255, 255])
        np.testing.assert_array_equal(rgb[30, 50], [90, 90, 90])


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_animation_gives_its_first_frame(tmp_path, suffix):
    frames = [Image.fromarray(QUADRANTS), Image.new("RGB", (64, 40), "white")]
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(read_rgb(path), QUADRANTS)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1)])
def test_one_pixel_wide(tmp_path, shape):
    path = save(tmp_path / "a.png", np.full((*shape, 3), 7, np.uint8))
    assert read_rgb(path).shape == (*shape, 3)
    small, size = read_rgb_within(path, max_side=50)
    assert size == shape
    assert small.shape[:2] == tuple(min(side, 50) for side in shape)


def test_broken_files_are_named_in_one_line(tmp_path):
    whole = {
        suffix: save(tmp_path / f"whole.{suffix}", np.tile(QUADRANTS, (4, 4, 1))).read_bytes()
        for suffix in ("jpg", "png", "tif", "webp", "gif")
    }
    files = {f"half.{suffix}": data[: len(data) // 2] for suffix, data in whole.items()}
    files |= {f"head.{suffix}": data[:20] for suffix, data in whole.items()}
    files |= {
        "zero.jpg": b"",
        "text.jpg": b"this is no photo\n" * 50,
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "bomb.png": png_header(30_000, 30_000),
        "large.png": png_header(13_000, 12_000),
        "huge.png": png_header(2**31 - 1, 2**31 - 1),
    }
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        for read in (read_rgb, read_mask, lambda path: read_rgb_within(path, max_side=400)):
            with pytest.raises(ImageError) as caught:
                read(path)
            message = str(caught.value)
            assert message.startswith(f"{path}: ")
            assert "\n" not in message
    for path in (tmp_path / "absent.jpg", tmp_path):
        with pytest.raises(ImageError):
            read_rgb(path)


def test_max_pixels(tmp_path):
    path = save(tmp_path / "a.png")
    assert read_rgb(path, max_pixels=64 * 40).shape == (40, 64, 3)
    with pytest.raises(ImageError, match="more than 2,559 pixels"):
        read_rgb(path, max_pixels=64 * 40 - 1)


def test_fit_within():
    assert fit_within(QUADRANTS, 64) is QUADRANTS
    half = fit_within(QUADRANTS, 32)
    np.testing.assert_array_equal(half, QUADRANTS[::2, ::2])
    assert fit_within(np.zeros((3, 1000, 3), np.uint8), 10).shape == (1, 10, 3)
    averaged = fit_within(np.array([[0, 100], [100, 200]], np.uint8), 1)
    np.testing.assert_array_equal(averaged, [[100]])


def grown(path, read):
    """Reads a photo in a process of its own: what is printed, and by how many MiB it grew."""
    program = (
        "import resource, sys; from data_prep.pictures.images import read_rgb, read_rgb_within\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"{read}\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    *printed, kib = map(int, done.stdout.split())
    return printed, kib / 1024


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wide.jpg", "wide.png"])
def test_memory_stays_bounded_at_12000_pixels(tmp_path, name):
    pixels = np.repeat(np.tile(QUADRANTS, (50, 1, 1)), 188, axis=1)[:, :12_000]
    path = save(tmp_path / name, pixels)
    small = "rgb, size = read_rgb_within(sys.argv[1], max_side=400); print(*rgb.shape, *size)"
    shapes, mib = grown(path, small)
    assert shapes == [67, 400, 3, 2000, 12_000]
    # One decoded copy takes 4 bytes a pixel; a JPEG is never decoded in full.
    assert mib < (40 if name.endswith("jpg") else 2000 * 12_000 * 4 / 2**20 + 60)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_memory_of_a_large_photo_is_that_of_its_pixels_twice(tmp_path, mode):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Image.fromarray(np.tile(QUADRANTS, (50, 188, 1)))
    path = tmp_path / "large.png"
    photo.convert(mode).save(path, exif=exif, icc_profile=p3_profile())
    shape, mib = grown(path, "print(*read_rgb(sys.argv[1]).shape)")
    assert shape == [12_032, 2000, 3]
    assert mib < 2000 * 12_032 * (4 + 3) / 2**20 + 60


def test_write_png_replaces_whole_files_only(tmp_path, monkeypatch):
    path = tmp_path / "new" / "é x.png"
    write_png(path, QUADRANTS)
    np.testing.assert_array_equal(read_rgb(path), QUADRANTS)
    before = path.read_bytes()

    def die_halfway(self, stream, **options):
        stream.write(b"\x89PNG half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", die_halfway)
    with pytest.raises(InputError, match=r"No space left on device\); free some space"):
        write_png(path, QUADRANTS[::-1])
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["é x.png"]


def test_write_png_where_no_folder_can_be(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="cannot be written"):
        write_png(tmp_path / "file" / "a.png", QUADRANTS)
