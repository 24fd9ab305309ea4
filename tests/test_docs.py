"""Documents, and pages and pictures that are made of the code, held against it."""

import ast
import dataclasses
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import deepusps_tf
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.setting import flag_name

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples/extend"
CARD = ROOT / "deepusps_tf/starter/README.md"
PAGES = [*ROOT.glob("*.md"), CARD, *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
# Flags of other programs, and of absl's own.
OTHERS = {
    *("help", "flagfile", "verbosity"),
    # TF Serving, TensorBoard, Apache Beam
    *("rest_api_port", "port", "model_name", "model_base_path"),
    *("enable_batching", "batching_parameters_file", "logdir"),
    *("runner", "project", "direct_num_workers", "direct_running_mode"),
    # pip and Docker, as far as their first hyphen
    *("require", "no", "tag", "build", "rm", "init", "user", "volume", "network", "read"),
    "tmpfs",
}


def all_flags() -> set[str]:
    """Every flag of the program, of the steps before training and of the benchmarks."""
    kinds = typing.get_type_hints(Config)
    flags = set(OTHERS)
    for field in dataclasses.fields(Config):
        flags.add(flag_name(field))
        if bool in (kinds[field.name], *typing.get_args(kinds[field.name])):
            flags.add(f"no{flag_name(field)}")
    for folder in ("data_prep", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            flags.update(re.findall(r"DEFINE_\w+\(\s*\"(\w+)\"", path.read_text(encoding="utf-8")))
    return flags


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site name them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text_of(page), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def by_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_add_your_own_shows_the_examples_as_they_are():
    page = text_of(ROOT / "docs/add_your_own.md")
    shown = dict(
        re.findall(r"^\[(\w+\.py)\].*?```python\n(.*?)```$", page, re.DOTALL | re.MULTILINE)
    )
    examples = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
    assert shown == examples
    assert all(len(text.splitlines()) < 30 for text in examples.values())


def made_by_docs(module: str, call: str) -> str:
    """What a script of docs/ makes."""
    code = f"from docs import {module}; print({module}.{call}(), end='')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_picture_of_the_packages_is_that_of_the_imports():
    assert made_by_docs("draw_packages", "drawing") == text_of(ROOT / "docs/packages.svg")


def test_the_page_of_the_settings_is_that_of_their_declarations():
    # python -m docs.write_settings writes it.
    assert made_by_docs("write_settings", "page") == text_of(ROOT / "docs/settings.md")


def test_every_arrow_of_the_picture_points_down():
    svg = text_of(ROOT / "docs/packages.svg")
    curves = re.findall(r'<path d="M\d+,(\d+) C[^"]* \d+,(\d+)"', svg)
    assert len(curves) > 20
    assert all(int(start) < int(end) for start, end in curves)


def test_the_readme_is_short_and_has_its_commands():
    lines = text_of(ROOT / "README.md").splitlines()
    assert len(lines) <= 150
    assert "python -m deepusps_tf.main --flagfile=configs/msra.flags" in lines
    assert {"make demo", "make test"} <= {line.partition("#")[0].strip() for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_of_a_page_lead_somewhere(page):
    for link in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", text_of(page)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_flags_and_files_that_a_page_names_are_there(page):
    text = text_of(page)
    flags = set(re.findall(r"(?<![\w-])--([a-z]\w*)", text))
    assert flags <= all_flags()
    packages = "deepusps_tf|data_prep|tests|benchmarks|configs|examples|docs"
    named = re.findall(rf"(?<![\w./-])(?:{packages})/[\w./]*\w(?![\w*])", text)
    assert not [name for name in named if not (ROOT / name).exists()]
    modules = re.findall(r"python -m ((?:benchmarks|data_prep|tests|deepusps_tf)[\w.]*)", text)
    places = [ROOT / module.replace(".", "/") for module in modules]
    assert not [path for path in places if not (path.is_dir() or path.with_suffix(".py").exists())]


def test_flags_of_other_programs_are_still_named():
    named = set(re.findall(r"(?<![\w-])--([a-z]\w*)", "".join(map(text_of, PAGES))))
    assert named >= OTHERS


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_python_that_a_page_shows_uses_what_the_package_has(page):
    for block in re.findall(r"^```python\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used = node.value.id == "deepusps_tf"
                assert not used or node.attr in deepusps_tf.__all__


def test_every_decision_has_its_parts_and_its_place_in_the_index():
    index = text_of(ROOT / "BUILD_NOTES.md")
    listed = re.findall(r"^- \[(.*)\]\((docs/decisions/\w+\.md)\)$", index, re.MULTILINE)
    titles = {by_name(page): text_of(page).splitlines()[0].removeprefix("# ") for page in DECISIONS}
    assert {page: title for title, page in listed} == titles and len(listed) == len(titles)
    for page in DECISIONS:
        parts = re.findall(r"^## (.*)$", text_of(page), re.MULTILINE)
        assert parts == ["Context", "Choice", "Evidence"], page
