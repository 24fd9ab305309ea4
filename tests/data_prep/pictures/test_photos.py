import os
import unicodedata
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from data_prep.pictures.photos import find_masks, list_folder, list_photos


def test_list_photos_sorts_filters_and_names(tmp_path):
    for name in ("b.JPG", "a.png", "ü ber.WebP", "c.d.tiff", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.jpg").mkdir()
    photos = list_photos(tmp_path)
    assert [photo.id for photo in photos] == ["a", "b", "c.d", "ü ber"]
    assert photos[1].path == tmp_path / "b.JPG"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (b"line\nbreak.png", r"line\\nbreak\.png': '\\n' in its name; rename it"),
        (b"bad\xff.png", r"bad\\udcff\.png': '\\udcff' in its name; rename it"),
        (b"\x1b[31m.png", r"'\\x1b' in its name; rename it"),
        (b"x" * 197 + b".png", "more than 200 bytes; rename it"),
    ],
)
def test_names_that_no_mask_could_have_are_refused_in_one_line(tmp_path, name, message):
    Path(tmp_path, os.fsdecode(name)).write_bytes(b"x")
    with pytest.raises(InputError, match=message) as error:
        list_photos(tmp_path)
    assert "\n" not in str(error.value) and str(error.value).isprintable()


def test_other_odd_names_are_photos(tmp_path):
    names = ["..png", "-dash.png", "a b.png", "up\\..\\x.png", "$(touch x).png", "\u3000\u6f22.png"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "absent")
    assert {photo.path.name for photo in list_photos(tmp_path)} == set(names) - {"..png"}


def test_list_photos_refuses(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        list_photos(tmp_path / "absent")
    with pytest.raises(InputError, match="holds no photo"):
        list_photos(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="not a folder"):
        list_photos(tmp_path / "a.jpg")
    (tmp_path / "a.PNG").write_bytes(b"x")
    with pytest.raises(InputError, match=r"a\.PNG and .*a\.jpg: two photos of one name"):
        list_photos(tmp_path)


@pytest.fixture
def tree(tmp_path):
    """Photos on three levels beside what is none."""
    folder = tmp_path / "photos"
    for name in ("a.jpg", "IMG_1.CR2", "notes.txt", "README", ".hidden.heic"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    for name in ("sub/a.png", "sub/deep er/b.c.jpg", "sub/c.txt", ".thumbs/t.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "gone.jpg").symlink_to(tmp_path / "absent")
    (folder / "sub/round").symlink_to(folder)
    return folder


def test_subfolders_are_walked_where_they_are_wanted(tree):
    listing = list_folder(tree, recursive=True)
    assert [photo.id for photo in listing.photos] == ["a", "sub/a", "sub/deep er/b.c"]
    assert listing.photos[2].path == tree / "sub/deep er/b.c.jpg"
    assert listing.passed_over.reasons == {
        "IMG_1.CR2": ".cr2",
        "README": "",
        "gone.jpg": "link to nowhere",
        "notes.txt": ".txt",
        "sub/c.txt": ".txt",
        "sub/round": "link to a folder above it",
    }
    assert listing.passed_over.line == (
        "passed over: 4 files (.cr2, .txt, no suffix), such as IMG_1.CR2; 1 link to a folder "
        "above it, such as sub/round; 1 link to nowhere, such as gone.jpg"
    )


def test_subfolders_are_passed_over_where_they_are_not(tree):
    listing = list_folder(tree)
    assert [photo.id for photo in listing.photos] == ["a"]
    assert listing.passed_over.line.endswith(
        "1 subfolder, such as sub (--recursive takes their photos)"
    )


def test_a_link_to_a_folder_is_walked(tree, tmp_path):
    (tmp_path / "album").mkdir()
    (tmp_path / "album/link").symlink_to(tree / "sub/deep er")
    assert [photo.id for photo in list_photos(tmp_path / "album", recursive=True)] == ["link/b.c"]


def test_what_is_there_in_place_of_photos_is_told(tmp_path):
    (tmp_path / "IMG.cr2").write_bytes(b"x")
    with pytest.raises(InputError, match=r"webp\); passed over: 1 file \(\.cr2\), such as IMG"):
        list_photos(tmp_path)


def test_a_subfolder_with_an_odd_name_is_refused_in_one_line(tmp_path):
    (tmp_path / "line\nbreak").mkdir()
    (tmp_path / "line\nbreak/a.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"line\\nbreak/a\.png': '\\n' in its name"):
        list_photos(tmp_path, recursive=True)


def test_names_are_one_in_either_unicode_form(tmp_path):
    composed, parted = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    for folder, name in (("photos", parted), ("masks", composed)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.png").write_bytes(b"x")
    (tmp_path / "masks/of none.png").write_bytes(b"x")
    photos = list_photos(tmp_path / "photos")
    assert [photo.id for photo in photos] == [parted]  # results are named as the photo is
    assert find_masks(photos, tmp_path / "masks", "photo") == {
        parted: tmp_path / f"masks/{composed}.png",
        "of none": tmp_path / "masks/of none.png",
    }
    (tmp_path / f"photos/{composed}.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="two photos of one name"):
        list_photos(tmp_path / "photos")


def test_masks_of_photos_in_subfolders_are_in_subfolders(tree, tmp_path):
    photos = list_photos(tree, recursive=True)
    assert find_masks(photos, tree, "photo")["sub/a"] == tree / "sub/a.png"
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/a.png").write_bytes(b"x")
    with pytest.raises(InputError, match="flat: no mask for photo sub/a; add it"):
        find_masks(photos, tmp_path / "flat", "photo")
