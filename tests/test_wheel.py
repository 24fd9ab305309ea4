"""The program as its users install it: a wheel in an environment of its own."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import deepusps_tf
from deepusps_tf.serving.export import export_model
from tests.deepusps_tf.conftest import disc_photo, tiny_model

ROOT = Path(__file__).parents[1]


def output_of(*command, cwd) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = ("pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir")
    output_of(sys.executable, "-m", *build, folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


def names_below(folder: Path, suffix: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(f"*{suffix}")}


def requirements(lines) -> dict[str, str]:
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): str(each.specifier) for each in parsed}


def link_requirements(site_packages: Path) -> None:
    """Gives an environment what requirements.txt needs, from this one, and nothing else."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    waiting = [Requirement(line) for line in lines if line[0] != "#"]
    linked = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, *requirement.extras) in linked:
            continue
        linked.add((name, *requirement.extras))
        found = distribution(name)
        extras = requirement.extras or {""}
        needs = map(Requirement, found.requires or ())
        waiting += [
            each
            for each in needs
            if not each.marker or any(each.marker.evaluate({"extra": extra}) for extra in extras)
        ]
        for top in {file.parts[0] for file in found.files} - {"..", "__pycache__"}:
            if not (site_packages / top).exists():
                (site_packages / top).symlink_to(found.locate_file(top))


@pytest.mark.slow
def test_the_wheel_holds_both_packages_and_what_they_read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(name for name in names if name.endswith("METADATA"))
        needs = archive.read(metadata).decode()
    packages = names_below("deepusps_tf", ".py") | names_below("data_prep", ".py")
    flagfiles = {f"deepusps_tf/{name}" for name in names_below("configs", ".flags")}
    data = {"deepusps_tf/py.typed", "data_prep/py.typed"}
    data |= {"deepusps_tf/starter/model.keras", "deepusps_tf/starter/README.md"}
    for suffix in (".jinja", ".css", ".js", ".svg"):
        data |= names_below("deepusps_tf", suffix)
    assert packages | flagfiles | data <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "examples"))]
    wanted = (ROOT / "requirements.txt").read_text().splitlines()
    declared = re.findall(r"^Requires-Dist: ((?:(?!extra ==).)*)$", needs, re.MULTILINE)
    assert requirements(declared) == requirements(line for line in wanted if line[0] != "#")


@pytest.mark.slow
def test_an_installed_program_predicts_from_any_folder(wheel, tmp_path):
    model = export_model(network=tiny_model(backbone="", size=32), size=32, folder=tmp_path / "m")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        Image.fromarray(disc_photo(number)[0]).save(photos / f"{number}.png")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bin_folder = tmp_path / "env/bin"
    output_of(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path)
    link_requirements(next((tmp_path / "env/lib").glob("*/site-packages")))
    install = ("install", "--quiet", "--no-index", wheel)  # fails where a requirement is not met
    output_of(bin_folder / "pip", *install, cwd=elsewhere)
    version = output_of(bin_folder / "deepusps", "--version", cwd=elsewhere)
    assert version.split()[-1] == deepusps_tf.__version__
    flags = (f"--model={model}", f"--images={photos}", "--output=masks")
    output_of(bin_folder / "deepusps", "predict", "--flagfile=cpu.flags", *flags, cwd=elsewhere)
    masks = [np.asarray(Image.open(elsewhere / f"masks/{number}.png")) for number in range(2)]
    assert [mask.shape for mask in masks] == [(40, 48)] * 2
    code = (
        "import deepusps_tf, numpy as np; "
        "model = deepusps_tf.load(); "
        "print(model.predict(np.zeros((5, 7, 3), np.uint8)).shape, model.facts.photos)"
    )
    assert output_of(bin_folder / "python", "-c", code, cwd=elsewhere).strip() == "(5, 7) 1000"
