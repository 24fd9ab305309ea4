import os
from pathlib import Path

import pytest

from data_prep.base.errors import InputError
from data_prep.pictures.photos import list_photos


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
