import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from data_prep.base.errors import InputError
from data_prep.base.folder_lock import locked_folder
from data_prep.compute_maps import compute_maps
from data_prep.methods.names import METHODS
from tests.data_prep.compute_maps.conftest import (
    TWO,
    descendants,
    run,
    start_and_wait_for_maps,
)


def test_interruption_says_how_far_it_got(photos, tmp_path, monkeypatch):
    calls = []

    def stop_at_the_second(rgb):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return np.zeros(rgb.shape[:2], np.float32)

    monkeypatch.setitem(METHODS._parts, "rbd", stop_at_the_second)
    options = {"images": photos, "output": tmp_path, "methods": ["rbd"], "progress": False}
    with pytest.raises(KeyboardInterrupt, match="stopped: 1 of 3 maps written"):
        compute_maps(jobs=1, **options)


@pytest.mark.slow
def test_pool_and_single_process_agree_whatever_else_is_in_the_folder(photos, tmp_path):
    (photos / "zero.jpg").write_bytes(b"")
    done = run(photos, tmp_path / "two", "--jobs=2", "--methods=rbd,mc")
    assert done.returncode == 0, done.stderr
    assert f"skipped {photos / 'zero.jpg'}: is empty" in done.stderr
    assert done.stderr.endswith("6 maps written, 0 kept, 1 photos skipped\n")
    assert done.stderr.count("\n") == 2  # no bar, which needs a terminal
    compute_maps(images=photos, output=tmp_path / "one", methods=TWO, jobs=1, progress=False)
    ones = sorted((tmp_path / "one").rglob("*.png"))
    assert len(ones) == 6
    for path in ones:
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_command_line_reports_mistakes_in_one_line(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "zero.jpg").write_bytes(b"")
    done = run(tmp_path / "photos", tmp_path / "maps", "--methods=gmr")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: --methods: 'gmr' is unknown; choose from rbd, dsr, mc, hs, or write "
        "package.module:function or NAME=FOLDER of your own\n"
    )
    done = run(tmp_path / "photos", tmp_path / "maps", "--jobs=1")
    assert done.returncode == 1
    assert "0 maps written, 0 kept, 1 photos skipped" in done.stderr


@pytest.mark.slow
def test_ctrl_c_pressed_twice_stops_cleanly_and_the_run_resumes(tmp_path):
    process = start_and_wait_for_maps(tmp_path / "photos", tmp_path / "maps")
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    last = stderr.splitlines()[-1]
    assert last.startswith("stopped: ")
    assert last.endswith(" of 400 maps written; the same command goes on from there")
    assert "Traceback" not in stderr
    made = [path.name for path in (tmp_path / "maps/rbd").iterdir()]
    assert all(name.endswith(".png") and not name.startswith(".") for name in made)
    for path in (tmp_path / "photos").iterdir():
        if int(path.stem) >= len(made) and path.name not in made:
            path.unlink()
    done = run(tmp_path / "photos", tmp_path / "maps", "--methods=rbd", "--jobs=1")
    assert done.returncode == 0
    assert f"{len(made)} kept" in done.stderr


@pytest.mark.slow
def test_workers_die_with_a_killed_parent(tmp_path):
    process = start_and_wait_for_maps(tmp_path / "photos", tmp_path / "maps")
    workers = descendants(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    process.stderr.close()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    alive = [
        pid
        for pid in workers
        if Path(f"/proc/{pid}").exists()
        and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    ]
    assert alive == []


def test_half_written_maps_of_a_killed_run_are_removed(photos, tmp_path):
    left = tmp_path / "maps/rbd/.c.png.4711.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"\x89PNG")
    compute_maps(images=photos, output=tmp_path / "maps", methods=TWO, jobs=1, progress=False)
    assert not left.exists()
    assert sorted(path.name for path in left.parent.iterdir()) == ["a b.png", "c.png", "é.png"]


def test_second_run_in_one_folder_is_refused(photos, tmp_path):
    with (
        locked_folder(tmp_path / "maps", ""),
        pytest.raises(InputError, match="maps: another run is under way here; wait for it"),
    ):
        compute_maps(images=photos, output=tmp_path / "maps", methods=TWO, jobs=1, progress=False)
