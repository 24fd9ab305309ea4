"""Pages and pictures that are made of the code, held against it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples/extend"


def test_add_your_own_shows_the_examples_as_they_are():
    page = (ROOT / "docs/add_your_own.md").read_text(encoding="utf-8")
    shown = dict(
        re.findall(r"^\[(\w+\.py)\].*?```python\n(.*?)```$", page, re.DOTALL | re.MULTILINE)
    )
    examples = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
    assert shown == examples
    assert all(len(text.splitlines()) < 30 for text in examples.values())


def test_the_picture_of_the_packages_is_that_of_the_imports():
    command = [sys.executable, "-c", "import draw_packages; print(draw_packages.drawing(), end='')"]
    done = subprocess.run(command, cwd=ROOT / "docs", capture_output=True, text=True, check=True)
    assert done.stdout == (ROOT / "docs/packages.svg").read_text(encoding="utf-8")


def test_every_arrow_of_the_picture_points_down():
    svg = (ROOT / "docs/packages.svg").read_text(encoding="utf-8")
    curves = re.findall(r'<path d="M\d+,(\d+) C[^"]* \d+,(\d+)"', svg)
    assert len(curves) > 20
    assert all(int(start) < int(end) for start, end in curves)
