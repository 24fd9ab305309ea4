"""Writes the tables of docs/licences.md: what the packages of requirements.lock declare.

python -m docs.write_licences
"""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("licences.md")
# What is declared in several spellings, in one.
SPELLINGS = {
    r"apache(?: software)?(?: license)?,?(?: version)?(?:[ -]2\.0)?": "Apache-2.0",
    r"bsd[ -]3-clause(?: license)?|3-clause bsd license": "BSD-3-Clause",
    r"bsd[ -]2-clause(?: license)?": "BSD-2-Clause",
    r"bsd(?: license)?": "BSD",
    r"mit(?: license)?": "MIT",
    r"mozilla public license 2\.0 \(mpl 2\.0\)": "MPL-2.0",
    r"python software foundation license": "PSF",
    r"zpl 2\.1": "ZPL-2.1",
}
EXPRESSION = r"[A-Z]+-[\w.]+(?: (?:AND|OR) [\w.-]+)*"


def page() -> str:
    """The page in Markdown, its words as they are and its tables anew.

    Raises:
        PackageNotFoundError: what it should list is not installed.
    """
    locked, predicts = locked_names("requirements.lock"), locked_names("requirements-predict.lock")
    run = {name: name if name in predicts else f"*{name}*" for name in locked}
    extras = {name: name for name in extra_names() if name not in locked}
    text = PAGE.read_text(encoding="utf-8")
    for table, packages in (("run", run), ("extras", extras)):
        begin, end = f"<!-- {table} -->", "<!-- end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{_table(packages)}\n{end}{rest.partition(end)[2]}"
    return text


def locked_names(lock: str) -> list[str]:
    """The packages that a lock installs on Linux, by canonical name."""
    system = {**default_environment(), "sys_platform": "linux"}
    text = (ROOT / lock).read_text(encoding="utf-8")
    pins = map(Requirement, re.findall(r"^\w\S*==[^\\\n]*", text, re.MULTILINE))
    return sorted(
        canonicalize_name(pin.name)
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(system)
    )


def extra_names() -> list[str]:
    """The packages that the extras of pyproject.toml name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for lines in project["optional-dependencies"].values() for line in lines]
    names = {canonicalize_name(Requirement(line).name) for line in lines}
    return sorted(names - {canonicalize_name(project["name"])})


def licence(package: str) -> str:
    """What an installed package declares, or else the title of the licence that it brings along.

    Raises:
        PackageNotFoundError: it is not installed.
    """
    found = metadata.distribution(package)
    if declared := found.metadata.get("License-Expression"):
        return declared
    for text in (found.metadata.get("License", "").partition("\n")[0], *_titles(found)):
        if spelled := _spelled(text):
            return spelled
    return "not declared"


def _titles(package: metadata.Distribution) -> Iterator[str]:
    """What the index files a package under, and the titles of the licences that it holds."""
    classes = package.metadata.get_all("Classifier", [])
    known = [text.split(" :: ")[-1] for text in classes if text.startswith("License ::")]
    yield " or ".join(known)
    for file in package.files or ():
        if ".dist-info" in str(file.parent) and file.name.startswith("LICENSE"):
            words = " ".join(file.read_text(encoding="utf-8").split())
            yield from re.findall(r"Apache License, Version 2\.0|MIT License", words)


def _spelled(text: str) -> str:
    """A licence by its usual name; empty for what names none."""
    if re.fullmatch(EXPRESSION, text):
        return text
    for pattern, spelling in SPELLINGS.items():
        if re.fullmatch(pattern, text.strip(), re.IGNORECASE):
            return spelling
    parts = text.split(" or ")
    return " OR ".join(map(_spelled, parts)) if len(parts) > 1 and all(parts) else ""


def _table(packages: dict[str, str]) -> str:
    """A row for each licence, with the packages as they are shown."""
    by_licence: dict[str, list[str]] = {}
    for name, shown in packages.items():
        by_licence.setdefault(licence(name), []).append(shown)
    rows = [f"| {each} | {', '.join(by_licence[each])} |" for each in sorted(by_licence)]
    return "\n".join(["| licence | packages |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
