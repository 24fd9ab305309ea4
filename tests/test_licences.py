"""The page of licences lists what is installed, with what it declares."""

import re
from importlib import metadata

import pytest

from docs.write_licences import PAGE, extra_names, licence, locked_names
from tests.locks import pins


def table(name: str) -> dict[str, str]:
    """Each package of a table of the page, with its licence."""
    text = PAGE.read_text(encoding="utf-8")
    rows = re.search(rf"<!-- {name} -->(.*?)<!-- end -->", text, re.DOTALL)[1]
    cells = re.findall(r"^\| (.*?) \| (.*) \|$", rows, re.MULTILINE)[1:]
    return {package: each for each, packages in cells for package in packages.split(", ")}


def test_the_page_lists_what_is_locked():
    predicts = set(locked_names("requirements-predict.lock"))
    locked = locked_names("requirements.lock")
    wanted = {name if name in predicts else f"*{name}*" for name in locked}
    assert table("run").keys() == wanted, "python -m docs.write_licences"
    assert table("extras").keys() == set(extra_names()) - set(locked)


def test_its_licences_are_those_that_the_packages_declare():
    listed = {name.strip("*"): each for name, each in table("run").items()}
    assert "not declared" not in {*listed.values(), *table("extras").values()}
    compared = 0
    for name, version in pins("requirements.lock", "3.11").items():
        found = [each.version for each in metadata.distributions(name=name)]
        if str(version) in found:  # another version may declare another one
            assert licence(name) == listed[name]
            compared += 1
    assert compared


@pytest.mark.parametrize(
    ("package", "declared"),
    [
        ("absl-py", "Apache-2.0"),  # by an expression
        ("keras", "Apache-2.0"),  # by a name of its own
        ("numpy", "BSD"),  # by what the index files it under, since it gives the whole text
        ("pysodmetrics", "MIT"),  # by the text alone
        ("tqdm", "MPL-2.0 AND MIT"),
    ],
)
def test_a_licence_is_found_wherever_a_package_declares_it(package, declared):
    assert licence(package) == declared
