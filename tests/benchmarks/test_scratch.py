import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scratch import scratch_folder
from data_prep.base.errors import InputError


def test_scratch_folder_is_an_empty_one_or_yet_to_be_made(tmp_path, monkeypatch):
    assert scratch_folder(str(tmp_path), "kills") == tmp_path
    monkeypatch.chdir(tmp_path)
    assert scratch_folder("new", "kills") == tmp_path / "new"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = scratch_folder(None, "kills")
    assert made.parent == tmp_path and made.name.startswith("kills-") and made.is_dir()
    (made / "file").touch()
    for used in (made, made / "file"):
        message = re.escape(f"--scratch={used}: not an empty folder; give another")
        with pytest.raises(InputError, match=f"^{message}$"):
            scratch_folder(str(used), "kills")


@pytest.mark.parametrize("name", ["fuzz", "kill_loop"])
def test_a_used_scratch_folder_ends_a_benchmark_in_one_line(tmp_path, name):
    (tmp_path / "photos").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", f"--scratch={tmp_path}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: --scratch={tmp_path}: not an empty folder; give another\n"
