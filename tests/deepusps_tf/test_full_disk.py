"""A disk that fills up at every stage of a run: one clear line, and the run goes on when mended."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.kill_loop import outcome
from tests.deepusps_tf.tiny_run import short_command

ROOT = str(Path(__file__).parents[2])


def mount(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder, "size=160k"):
        pytest.skip("this user may not mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": ROOT, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(tmp_path, small_disk):
    command = short_command(tmp_path)
    kilobytes, errors = 160, []
    while (done := run(command, small_disk)).returncode:
        assert "Traceback" not in done.stderr, done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, done.stderr
        assert "run the same command again" in lines[0], lines
        errors += lines
        kilobytes = int(kilobytes * 2.2)
        assert kilobytes < 20_000 and mount(small_disk, f"remount,size={kilobytes}k")
    assert len(errors) >= 4
    assert any("records" in line for line in errors) and any("run" in line for line in errors)
    assert run(command, tmp_path / "roomy").returncode == 0
    assert outcome(small_disk) == outcome(tmp_path / "roomy")
