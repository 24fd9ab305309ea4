"""The image and the workflow, as far as they can be read: no engine and no runner is at hand."""

import fnmatch
import json
import re
import tomllib
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of the Dockerfile's stages, each a word and its arguments."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [line.split(" ", 1) for line in lines]
    starts = [n for n, (word, _) in enumerate(found) if word == "FROM"]
    return [found[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


def values(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [arguments for each, arguments in stage if each == word]


def test_the_container_runs_as_a_user_who_writes_in_its_volumes_alone():
    last = stages()[-1]
    assert values(last, "USER") == ["deepusps"]
    (volumes,) = map(json.loads, values(last, "VOLUME"))
    assert volumes == ["/cache", "/data"] and values(last, "WORKDIR") == ["/data"]
    set_ = dict(re.findall(r"(\w+)=(\S+)", " ".join(values(last, "ENV"))))
    kept = {name: path for name, path in set_.items() if name != "PATH"}
    assert {"HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR", "KERAS_HOME"} < kept.keys()
    assert all(Path(path).is_relative_to("/cache") for path in kept.values())
    assert not [each for each in values(last, "COPY") if "--chown" in each]


def test_nothing_is_installed_but_what_is_locked_or_was_built_of_it():
    for stage in stages():
        for step in " ".join(values(stage, "RUN")).split("&&"):
            if re.search(r"pip\b.* (install|wheel) ", step):
                locked = "--require-hashes" in step and ".lock" in step
                built = "--no-deps" in step and ("--no-index" in step or "--no-build-iso" in step)
                assert locked or built, step


def test_what_the_image_copies_is_sent_to_the_engine():
    ignored = (ROOT / ".dockerignore").read_text().split()
    let_in = [pattern.removeprefix("!") for pattern in ignored if pattern.startswith("!")]
    copied = [
        source
        for stage in stages()
        for arguments in values(stage, "COPY")
        if "--from" not in arguments
        for source in arguments.replace("${NEEDS}", "requirements-predict").split()[:-1]
    ]
    assert {"deepusps_tf", "data_prep", "configs"} < set(copied)
    for source in copied:
        assert (ROOT / source).exists()
        assert any(fnmatch.fnmatch(source, pattern) for pattern in let_in), source


def test_the_workflow_runs_the_script_of_ci_on_every_python():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands[-1] == ".ci/run" and all("apt-get" in each for each in commands[:-1])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = SpecifierSet(project["requires-python"])
    pythons = [f"3.{minor}" for minor in range(30) if supported.contains(f"3.{minor}.1")]
    assert job["strategy"]["matrix"]["python"] == pythons
