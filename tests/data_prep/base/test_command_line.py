import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.base.command_line import asks_for_help, flag_mistake

ROOT = Path(__file__).parents[3]
NAMES = ("compute_maps", "import_maps", "import_dataset", "write_records", "sample")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_is_asked_for_in_several_ways():
    assert asks_for_help(["--size=32", "--help"]) and asks_for_help(["-h"])
    assert not asks_for_help(["--helpfull", "help"])


@pytest.mark.parametrize("name", NAMES)
def test_help_lists_the_commands_own_flags_and_ends_well(name):
    done = run(f"data_prep.{name}", "--help")
    assert done.returncode == 0, done.stderr
    about, flags = done.stdout.split("\nflags:\n")
    assert about.strip()
    assert "  --output: " in flags
    assert "verbosity" not in flags and "tensorflow" not in flags


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--hlep"], "error: Unknown command line flag 'hlep'. Did you mean: help"),
        (["--images=i"], "error: --output: must be given"),
        (["--images=i", "--output=o", "--jobs=two"], "error: --jobs=two: not a whole"),
    ],
)
def test_flags_that_cannot_be_read_end_in_one_line(arguments, line):
    done = run("data_prep.compute_maps", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(line)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("flag --a=x: invalid literal for int() with base 10: 'x'", "--a=x: not a whole number"),
        ("could not convert string to float: 'x'", "not a number"),
        ("flag --a=b: Non-boolean argument to\n boolean flag", "--a=b: write true or false"),
        ("flag --a=None: Flag --a must have a value other than None.", "--a: must be given"),
    ],
)
def test_mistakes_are_said_plainly(said, line):
    assert flag_mistake(ValueError(said)) == line


def test_help_that_nobody_reads_on_ends_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    code = "from data_prep.base.command_line import show; show(100 * 1000 * 'x')"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
