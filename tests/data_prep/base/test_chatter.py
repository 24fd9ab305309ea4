import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.base.chatter import is_chatter

ROOT = Path(__file__).parents[3]
LINES = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1796076219.917778    2781 cudart_stub.cc:31] Could not find cuda drivers",
    "E0000 00:00:1796076219.917778    2781 dso.cc:3] a library is damaged",
    "a line of another kind",
]
PROGRAM = f"""
import os, sys
from data_prep.base.chatter import chatter_held
with chatter_held() as held:
    for line in {LINES}:
        os.write(2, line.encode() + b"\\n")
    exec(sys.argv[1])
print(held)
"""


def run(code):
    command = [sys.executable, "-c", PROGRAM, code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_is_said_on_every_start_is_known():
    assert [is_chatter(line.encode()) for line in LINES] == [True, True, False, False]


def test_chatter_is_held_back_and_the_rest_passed_on():
    done = run("pass")
    assert (done.returncode, done.stderr.splitlines()) == (0, LINES[2:])
    assert done.stdout == f"{LINES[:2]}\n"


@pytest.mark.parametrize(
    ("code", "status"), [("raise ImportError('no such library')", 1), ("os.abort()", -6)]
)
def test_all_is_shown_where_an_import_fails(code, status):
    done = run(code)
    assert done.returncode == status
    assert set(LINES) <= set(done.stderr.splitlines())
    assert status < 0 or done.stderr.endswith("ImportError: no such library\n")
