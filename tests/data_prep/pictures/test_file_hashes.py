import hashlib
import os

import pytest

from data_prep.base.errors import InputError
from data_prep.pictures import file_hashes
from data_prep.pictures.file_hashes import HASHES, FileHashes


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "p.jpg"
    path.write_bytes(b"one")
    os.utime(path, ns=(10**18, 10**18))
    return path


@pytest.fixture
def kept(tmp_path, photo):
    """A folder whose hashes were saved when `photo` was as it is."""
    hashes = FileHashes(tmp_path)
    assert hashes.of("photos/p.jpg", photo) == sha(b"one")
    hashes.save()
    return tmp_path


def test_what_kept_its_size_and_time_is_not_read_again(kept, photo, monkeypatch):
    def fail(_):
        pytest.fail("read again")

    monkeypatch.setattr(file_hashes, "photo_hash", fail)
    hashes = FileHashes(kept)
    assert hashes.of("photos/p.jpg", photo) == sha(b"one")
    assert not hashes.changed("photos/p.jpg", photo)
    assert list(hashes.names("photos")) == ["p.jpg"]
    assert list(hashes.names("phot")) == []


@pytest.mark.parametrize(("content", "time"), [(b"two!", 10**18), (b"two", 2 * 10**18)])
def test_another_size_or_time_is_looked_at(kept, photo, content, time):
    photo.write_bytes(content)
    os.utime(photo, ns=(time, time))
    for _ in range(2):  # what a file was stays kept until its hash is asked for
        hashes = FileHashes(kept)
        assert hashes.changed("photos/p.jpg", photo)
        hashes.save()
    assert hashes.of("photos/p.jpg", photo) == sha(content)
    assert not hashes.changed("photos/p.jpg", photo)


def test_a_file_that_was_only_touched_has_not_changed_and_is_read_once(kept, photo, monkeypatch):
    os.utime(photo, ns=(2 * 10**18, 2 * 10**18))
    hashes = FileHashes(kept)
    assert not hashes.changed("photos/p.jpg", photo)
    hashes.save()
    monkeypatch.setattr(file_hashes, "photo_hash", None)
    assert not FileHashes(kept).changed("photos/p.jpg", photo)


def test_what_is_gone_or_was_never_kept_has_not_changed(kept, photo):
    photo.unlink()
    assert not FileHashes(kept).changed("photos/p.jpg", photo)
    assert not FileHashes(kept).changed("photos/q.jpg", kept / HASHES)


def test_nothing_learned_writes_nothing(tmp_path):
    FileHashes(tmp_path).save()
    assert not (tmp_path / HASHES).exists()


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 3}', '{"a": [1, "x", "y"]}'])
def test_damage_is_named(tmp_path, content):
    (tmp_path / HASHES).write_text(content)
    with pytest.raises(InputError, match=r"\.hashes\.json: damaged; delete it and run"):
        FileHashes(tmp_path)


def test_what_a_killed_run_left_is_removed(tmp_path, photo):
    (tmp_path / f"{HASHES}.4711.partial").write_text("cut")
    hashes = FileHashes(tmp_path)
    hashes.of("p", photo)
    hashes.save()
    assert sorted(path.name for path in tmp_path.iterdir()) == [HASHES, "p.jpg"]


def test_a_folder_that_is_gone_is_named(kept, photo):
    hashes = FileHashes(kept / "gone")
    hashes.of("p", photo)
    with pytest.raises(InputError, match=r"gone/\.hashes\.json: cannot be written \(No such"):
        hashes.save()
