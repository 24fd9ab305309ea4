"""How long a run trained, over all the times that it was stopped, and on what machine."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path

from data_prep.base.errors import InputError, damage_named
from data_prep.base.files import write_text
from deepusps_tf.runs.provenance import Provenance, provenance_now, read_provenance

# Beside the logs: unlike the rest of a workdir it depends on how a run was stopped.
TRAINING = "logs/training.json"


@contextlib.contextmanager
def timed_training(workdir: Path, *, begun: bool) -> Iterator[None]:
    """Keeps how long what stands in it takes, which ends in a finished run.

    The time is known where each part of the training ended by itself, by an error or by Ctrl-C, and
    all were on machines of one kind; of a run that was killed it is not. A run that is finished
    keeps what it has.

    Args:
        workdir: of the run.
        begun: whether the run had begun before.

    Raises:
        InputError: what it has is damaged, or cannot be written.
    """
    finished, before = _read(workdir)
    if finished:
        yield
        return
    seconds = before.seconds if before else None if begun else 0.0
    now = provenance_now()
    if before and before.machine != now.machine:
        seconds = None
    _write(workdir, now, finished=False)  # what remains of a run that is killed
    started = time.monotonic()

    def measured() -> Provenance:
        return provenance_now(None if seconds is None else seconds + time.monotonic() - started)

    try:
        yield
    except BaseException:
        with contextlib.suppress(InputError, OSError):  # a full disk is told by what met it first
            _write(workdir, measured(), finished=False)
        raise
    _write(workdir, measured(), finished=True)


def read_training(workdir: Path) -> Provenance | None:
    """When, with what and how long a run was trained; None where it does not know.

    Raises:
        InputError: its file is damaged.
    """
    finished, training = _read(workdir)
    return training if finished else None


def _read(workdir: Path) -> tuple[bool, Provenance | None]:
    path = workdir / TRAINING
    if not path.is_file():
        return False, None
    with damage_named(path, "delete it and run the same command again"):
        fields = json.loads(path.read_text(encoding="utf-8"))
        return bool(fields["finished"]), read_provenance(fields)


def _write(workdir: Path, training: Provenance, *, finished: bool) -> None:
    path = workdir / TRAINING
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = {"finished": finished, **dataclasses.asdict(training)}
    write_text(str(path), json.dumps(fields, indent=2) + "\n")
