import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]


TWO = ("rbd", "mc")


def add_photo(folder, name, size=(60, 48)):
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(sum(name.encode()))
    pixels = rng.integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
    pixels[size[1] // 3 : -size[1] // 3, size[0] // 3 : -size[0] // 3] += 150
    Image.fromarray(pixels).save(folder / name)


@pytest.fixture
def photos(tmp_path):
    for name in ("a b.png", "é.jpg", "c.webp"):
        add_photo(tmp_path / "photos", name)
    return tmp_path / "photos"


def run(photos, output, *arguments, **options):
    command = [sys.executable, "-m", "data_prep.compute_maps", f"--images={photos}"]
    return subprocess.run(
        [*command, f"--output={output}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        **options,
    )


def constant(value):
    return lambda rgb: np.full(rgb.shape[:2], value, np.float32)


def descendants(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [d for c in children for d in descendants(c)]


def start_and_wait_for_maps(photos, output):
    for i in range(400):
        add_photo(photos, f"{i}.png", size=(300, 200))
    # A shell that started the tests in the background made them ignore Ctrl-C.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "data_prep.compute_maps"]
    process = subprocess.Popen(
        [*command, f"--images={photos}", f"--output={output}", "--jobs=2", "--methods=rbd"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(output.glob("rbd/*.png")) and time.monotonic() < deadline:
        time.sleep(0.1)
    return process
