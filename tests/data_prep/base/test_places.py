from pathlib import Path

import pytest

from data_prep.base.places import moved_notice, place, same_place


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The current folder, which is the home folder too, with a folder and a link to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("photos").mkdir()
    Path("link").symlink_to("photos")
    return tmp_path


def test_every_spelling_names_one_place(there):
    spellings = ["photos", "photos/", "./photos", "link", "~/photos", f"{there}/x/../photos"]
    for one in spellings:
        assert place(one) == f"{there}/photos"
        assert all(same_place(one, other) for other in spellings)
    assert not same_place("photos", "photo")
    assert same_place(None, "") and not same_place(None, "photos") and not same_place("photos", "")
    assert same_place("gs://b/r/", "gs://b/r") and not same_place("gs://b/r", "gs://b/s")


def test_a_relative_path_was_given_in_another_folder(there, monkeypatch):
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert same_place("photos", f"{there}/photos", within=str(there))
    assert not same_place("photos", f"{there}/photos")


def test_a_place_that_is_gone_may_be_linked(there):
    assert moved_notice("gone", "photos/") == f"`ln -s {there}/photos {there}/gone`"
    assert moved_notice("a b", "photos", within="/old") == f"`ln -s {there}/photos '/old/a b'`"
    assert moved_notice("link", "photos") == moved_notice("gone", "other") == ""
    assert moved_notice("gone", None) == moved_notice("gs://b/r", "photos") == ""
