import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.base.processes import worker_pool

ROOT = Path(__file__).parents[3]


def test_runs_tasks_in_other_processes():
    with worker_pool(2) as pool:
        pids = {pool.submit(os.getpid).result() for _ in range(4)}
    assert os.getpid() not in pids and 1 <= len(pids) <= 2


@pytest.mark.parametrize("how", ["file", "command", "stdin"])
def test_a_script_needs_no_guard(how, tmp_path):
    script = (
        "import os\n"
        "from data_prep.base.processes import worker_pool\n"
        "print('script')\n"
        "with worker_pool(2) as pool:\n"
        "    print(pool.submit(os.getppid).result() == os.getpid())\n"
    )
    (tmp_path / "script.py").write_text(script)
    words = {"file": [tmp_path / "script.py"], "command": ["-c", script], "stdin": ["-"]}[how]
    done = subprocess.run(
        [sys.executable, *words],
        input=script,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("script\nTrue\n", "")


def test_a_function_of_the_script_is_refused_by_name():
    code = (
        "from data_prep.base.processes import worker_pool\n"
        "def work(): pass\n"
        "with worker_pool(1) as pool:\n"
        "    pool.submit(work)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.endswith("TypeError: work: put it into a module that can be imported\n")


def test_workers_end_with_a_killed_parent():
    code = (
        "import os, sys\n"
        "from data_prep.base.processes import worker_pool\n"
        "if __name__ == '__main__':\n"
        "    pool = worker_pool(1)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    worker = int(parent.stdout)
    deadline = time.monotonic() + 10
    while _is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(worker)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
