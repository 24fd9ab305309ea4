import subprocess
import sys

import pytest

from data_prep.base.errors import InputError
from data_prep.base.folder_lock import locked_folder


def test_second_holder_is_refused(tmp_path):
    with locked_folder(tmp_path / "new", "") as folder:
        assert folder.is_dir()
        with (
            pytest.raises(InputError, match="new: another run is under way here; do that"),
            locked_folder(tmp_path / "new", "do that"),
        ):
            pass
    with locked_folder(tmp_path / "new", ""):
        pass


def test_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"file/new: cannot be used \(Not a directory\); choose"),
        locked_folder(tmp_path / "file/new", "choose"),
    ):
        pass


def test_lock_dies_with_its_holder(tmp_path):
    code = (
        "import os, sys\n"
        "from data_prep.base.folder_lock import locked_folder\n"
        "with locked_folder(sys.argv[1], ''):\n"
        "    os.kill(os.getpid(), 9)"
    )
    holder = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert holder.returncode == -9
    with locked_folder(tmp_path, ""):
        pass


def test_what_fails_before_it_leaves_anything_leaves_no_folder(tmp_path):
    with pytest.raises(InputError, match="no"), locked_folder(tmp_path / "new/deep", ""):
        raise InputError("no")
    assert not (tmp_path / "new").exists()


def test_what_fails_later_leaves_its_folder(tmp_path):
    with pytest.raises(InputError, match="no"), locked_folder(tmp_path / "new", "") as folder:
        (folder / "kept").touch()
        raise InputError("no")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [".lock", "kept"]
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="no"), locked_folder(tmp_path / "mine", ""):
        raise InputError("no")
    assert (tmp_path / "mine").is_dir()
