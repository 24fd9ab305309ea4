"""The locks of installations, read without an index."""

import re
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12")


def needs(name: str) -> list[Requirement]:
    """The requirements of a file such as requirements.txt."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def entries(name: str) -> list[tuple[Requirement, list[str]]]:
    """Each pin of a lock with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    parts = [line.split(" --hash=") for line in lines]
    return [(Requirement(pin), [each.strip() for each in hashes]) for pin, *hashes in parts]


def environment(python: str) -> dict[str, str]:
    """What markers are read against: Linux with a Python."""
    own = {"python_version": python, "python_full_version": f"{python}.7", "extra": ""}
    return {**default_environment(), "sys_platform": "linux", "os_name": "posix", **own}


def pins(name: str, python: str) -> dict[str, Version]:
    """The versions that a lock installs on Linux, by canonical name."""
    found = {}
    for pin, _ in entries(name):
        if pin.marker is None or pin.marker.evaluate(environment(python)):
            version = re.fullmatch(r"==([\w.+!]+)", str(pin.specifier))
            found[canonicalize_name(pin.name)] = Version(version[1])
    return found
