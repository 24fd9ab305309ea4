"""The locks hold what the requirements say: `make lock` writes them."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.locks import PYTHONS, ROOT, entries, environment, needs, pins

NAMES = ("requirements", "requirements-predict", "requirements-build")


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_is_one_version_with_hashes_from_no_named_place(name):
    locked = entries(f"{name}.lock")
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin, _ in locked)
    assert all(pin.url is None and hashes for pin, hashes in locked)
    digests = [digest for _, hashes in locked for digest in hashes]
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests)
    assert "://" not in (ROOT / f"{name}.lock").read_text()


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", NAMES)
def test_a_lock_meets_the_requirements(name, python):
    locked = pins(f"{name}.lock", python)
    unmet = [
        str(need)
        for need in needs(f"{name}.txt")
        if not need.specifier.contains(locked[canonicalize_name(need.name)])
    ]
    assert not unmet, "run make lock"


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_holds_what_its_packages_need(name):
    locked = pins(f"{name}.lock", "3.11")
    missing = set()
    for package, version in locked.items():
        try:
            found = metadata.distribution(package)
        except metadata.PackageNotFoundError:  # what only builds
            continue
        if found.version != str(version):
            continue  # another version may need others
        for need in map(Requirement, found.requires or ()):
            if need.marker is None or need.marker.evaluate(environment("3.11")):
                missing |= {canonicalize_name(need.name)} - set(locked)
    assert not missing


def test_what_predicts_is_part_of_what_runs():
    whole, part = ((ROOT / f"{name}.txt").read_text().splitlines() for name in NAMES[:2])
    assert {line for line in part if line[0] != "#"} < set(whole)
    for python in PYTHONS:
        assert pins("requirements-predict.lock", python).items() < (
            pins("requirements.lock", python).items()
        )
