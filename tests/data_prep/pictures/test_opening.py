import io
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from data_prep.pictures import opening
from data_prep.pictures.images import fit_within, photo_size, read_rgb, read_rgb_within
from data_prep.pictures.opening import ImageError
from data_prep.pictures.photos import list_photos
from tests.data_prep.pictures.icc_profiles import swapped_profile

CORNERS = np.zeros((32, 48, 3), np.uint8)
CORNERS[:16, :24, 0] = CORNERS[:16, 24:, 1] = CORNERS[16:, :24, 2] = 200
CORNERS[16:, 24:] = 90
_LOSS = 6  # levels by which coding at the best quality may differ


@pytest.fixture(autouse=True)
def with_plugin():
    opening._formats.cache_clear()
    opening._formats()
    yield
    opening._formats.cache_clear()


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **{"quality": 100, "subsampling": "4:4:4", **options})
    return stream.getvalue()


def near(photo: bytes, expected: np.ndarray) -> None:
    rgb = read_rgb(photo)
    assert rgb.shape == expected.shape
    assert np.abs(rgb.astype(int) - expected).max() <= _LOSS


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_photos_are_turned_once(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(CORNERS)
    picture.info["exif"] = exif.tobytes()
    stored = io.BytesIO()
    picture.save(stored, "PNG", exif=exif)
    expected = read_rgb(stored.getvalue())
    photo = encoded(picture, kind, **({"exif": exif} if kind == "AVIF" else {}))
    assert orientation == 1 or b"irot" in photo or b"imir" in photo
    near(photo, expected)
    (tmp_path / "photo.heic").write_bytes(photo)
    assert photo_size(tmp_path / "photo.heic") == expected.shape[:2]
    assert [each.id for each in list_photos(tmp_path)] == ["photo"]


def test_exif_that_says_otherwise_than_the_file_itself_is_not_heeded():
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = encoded(Image.fromarray(CORNERS), "HEIF", exif=exif)
    assert b"irot" not in photo  # by the standard this alone turns a photo
    near(photo, CORNERS)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_opacity_and_profile_are_as_of_other_formats(kind):
    clear = np.full((32, 48), 255, np.uint8)
    clear[:16, :24] = 0
    expected = CORNERS.copy()
    expected[:16, :24] = 255
    near(encoded(Image.fromarray(np.dstack([CORNERS, clear])), kind), expected)
    swapped = encoded(Image.fromarray(CORNERS), kind, icc_profile=swapped_profile())
    near(swapped, CORNERS[..., [1, 0, 2]])


@pytest.mark.parametrize("mode", ["RGB;16", "I;16"])
def test_ten_bits(mode, capsys):
    wide = CORNERS.astype(np.uint16) * 257
    values = wide if mode == "RGB;16" else wide[..., 1]
    expected = CORNERS if mode == "RGB;16" else np.repeat(CORNERS[..., 1:2], 3, axis=-1)
    heif = pillow_heif.from_bytes(mode, (48, 32), np.ascontiguousarray(values).tobytes())
    stream = io.BytesIO()
    heif.save(stream, quality=100, chroma=444)
    with Image.open(io.BytesIO(stream.getvalue())) as image:
        assert image.info["bit_depth"] == 10
    near(stream.getvalue(), expected)
    assert not capsys.readouterr().err


def test_the_small_picture_in_a_file_is_not_taken_for_the_photo():
    noise = np.random.default_rng(0).integers(0, 256, (256, 384, 3), dtype=np.uint8)
    photo = encoded(Image.fromarray(noise), "HEIF", quality=30, thumbnails=[96])
    small, size = read_rgb_within(photo, max_side=96)
    assert size == (256, 384)
    shrunk = fit_within(read_rgb(photo), 96).astype(int)
    assert np.abs(small - shrunk).max() <= 1  # shrunk in two steps
    with Image.open(io.BytesIO(photo)) as image:
        image.draft(None, (96, 64))
        assert np.abs(np.asarray(image) - shrunk).max() > 5


def test_without_the_plugin_a_heic_photo_is_named_with_the_mend(tmp_path, monkeypatch):
    (tmp_path / "IMG.HEIC").write_bytes(encoded(Image.fromarray(CORNERS), "HEIF"))
    (tmp_path / "a.avif").write_bytes(encoded(Image.fromarray(CORNERS), "AVIF"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    opening._formats.cache_clear()
    photos = {photo.id: photo.path for photo in list_photos(tmp_path)}
    assert set(photos) == {"IMG", "a"}
    assert read_rgb(photos["a"]).shape == (32, 48, 3)
    with pytest.raises(ImageError) as caught:
        read_rgb(photos["IMG"])
    assert str(caught.value) == (
        f"{tmp_path}/IMG.HEIC: is a HEIC photo; pip install 'deepusps_tf[heif]', or convert it to "
        "JPEG"
    )


def test_cut_and_crafted_files_are_damaged(tmp_path):
    for kind in ("AVIF", "HEIF"):
        whole = encoded(Image.fromarray(CORNERS), kind)
        for length in (12, 60, len(whole) // 2, len(whole) - 20):
            with pytest.raises(ImageError):
                read_rgb(whole[:length])
