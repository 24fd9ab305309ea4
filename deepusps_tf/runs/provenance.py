"""With what something was made, and when: programs, machine, day."""

import dataclasses
import datetime
import importlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_prep.base.processes import cores

_ROOT = Path(__file__).parents[2]  # of the clone, where it is one


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a process runs on; nothing that names the machine itself.

    Attributes:
        cores: that the process may use.
        cpu: its model, or None where the system does not tell.
        memory_gb: of the machine, in 10^9 bytes, or None where the system does not tell.
        gpus: their models, those that TensorFlow sees.
    """

    cores: int
    cpu: str | None = None
    memory_gb: float | None = None
    gpus: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Provenance:
    """With what something was made, and when.

    Attributes:
        date: of its end, as 2026-01-31, UTC.
        versions: of Python, the libraries and this program, by name.
        commit: of the clone that the program ran from, `-dirty` behind it where files differed from
            that; None where it ran from no clone.
        machine: what it ran on.
        seconds: how long it took, or None where that is not known.
    """

    date: str
    versions: Mapping[str, str]
    commit: str | None = None
    machine: Machine | None = None
    seconds: float | None = None


def provenance_now(seconds: float | None = None) -> Provenance:
    """That of what this process makes now."""
    return Provenance(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions=versions(),
        commit=clone_commit(_ROOT),
        machine=this_machine(),
        seconds=None if seconds is None else round(seconds, 1),
    )


def read_provenance(fields: Mapping) -> Provenance:
    """Makes the provenance of what `dataclasses.asdict` gave; keys that are not known are left out.

    Raises:
        AttributeError, LookupError, TypeError: it is none.
    """
    machine = fields.get("machine")
    if machine is not None:
        machine = Machine(**{**_known(Machine, machine), "gpus": tuple(machine.get("gpus", ()))})
    return Provenance(**{**_known(Provenance, fields), "machine": machine})


def versions() -> dict[str, str]:
    """The versions of Python, the libraries that compute, and this program."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        # Not imported above: the package stands on all of its rooms.
        "deepusps_tf": importlib.import_module("deepusps_tf").__version__,
    }


def clone_commit(root: Path) -> str | None:
    """The commit of a clone; None where the folder is none, or git is not there to ask."""
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        # Tags are left out: a commit is the same whatever they are called.
        done = subprocess.run(
            [*command, "--exclude=*"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def this_machine() -> Machine:
    """What this process runs on."""
    gpus = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return Machine(
        cores=cores(),
        cpu=_cpu(),
        memory_gb=_memory_gb(),
        gpus=tuple(gpu.get("device_name", "GPU") for gpu in gpus),
    )


def _cpu() -> str | None:
    facts = Path("/proc/cpuinfo")
    named = facts.is_file() and re.search(r"^model name\s*:\s*(.+)$", facts.read_text(), re.M)
    return " ".join(named[1].split()) if named else platform.processor() or None


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (ValueError, OSError):
        return None


def _known(kind: type, fields: Mapping) -> dict:
    """Those of some fields that a dataclass has."""
    return {
        field.name: fields[field.name] for field in dataclasses.fields(kind) if field.name in fields
    }
