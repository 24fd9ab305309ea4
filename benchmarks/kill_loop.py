"""Kills a small run again and again and compares what it ends in with a run never interrupted.

python -m benchmarks.kill_loop [--kills=30] [--seed=0] [--scratch=DIR]
    [--module=tests.deepusps_tf.tiny_run]

A run trains on the embedded sample, from photos to the exported model. It is made twice and left
alone, first to compile what is kept compiled, then to be timed. Others are killed (SIGKILL) after
a random part of that time, and started again with the same command until they end. Compared, byte
for byte: records, maps, labels, networks, scores, the report, and the weights inside the export;
not TensorBoard's logs and the hashes of files, which tell of every start and of files' times, the
line of the report that says when it was trained, and the masks kept beside it, which name the
export that they are of.
"""

import dataclasses
import hashlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from absl import flags
from tqdm import tqdm

from benchmarks.scratch import scratch_folder
from data_prep.base.command import start
from data_prep.pictures.file_hashes import HASHES
from deepusps_tf.settings.places import STARTED_IN

SMALL_RUN = (
    "--sample_size=24",
    "--records=records",
    "--workdir=run",
    "--methods=rbd,mc",
    "--backbone=drn_d_22",
    "--pretrained=none",
    "--size=32",
    "--batch_size=4",
    "--rounds=2",
    "--epochs=3",
    "--learning_rates=1e-4,1e-4",
    "--fusion_epochs=3",
    "--fusion_learning_rate=1e-4",
)
NOT_COMPARED = ("output", "run/logs/", "run/export/", "run/report/masks.npz")
# What begins a line that depends on where a run was started, and when.
_VARYING = (STARTED_IN.encode(), b'<p class="when">')
ORPHAN_SECONDS = 20  # within which processes of a killed run must be gone


@dataclasses.dataclass(frozen=True)
class KillReport:
    """What a loop of kills came to.

    Attributes:
        kills: runs killed.
        finished: runs that ended after their kills.
        stages: how many kills fell into each stage.
        differences: files of finished runs, as `run<n>/path`, that differ from the reference.
        orphans: kills after which a process of the run lived on.
    """

    kills: int
    finished: int
    stages: dict[str, int]
    differences: list[str]
    orphans: int


def loop(*, command: Sequence[str], scratch: Path, kills: int, seed: int) -> KillReport:
    """Runs a command to its end twice, then kills it `kills` times at random moments.

    Args:
        command: writes `records` and `run` under its working directory, and goes on where it was
            when started again.
        scratch: an empty folder for the runs.
        kills: how many.
        seed: of the moments.

    Raises:
        RuntimeError: where a run ends with an error; its output is in the message.
    """
    run_alone(command, scratch / "reference")
    expected = outcome(scratch / "reference")
    started = time.monotonic()
    run_alone(command, scratch / "again")
    seconds = time.monotonic() - started
    differences = _differences(scratch / "again", expected)
    random = np.random.default_rng(seed)
    done, finished, orphans, stages = 0, 0, 0, Counter()
    with tqdm(total=kills, unit="kill") as progress:
        while done < kills:
            folder = scratch / f"run{finished}"
            while group := _run(
                command, folder, random.uniform(0, seconds) if done < kills else None
            ):
                stages[stage(folder)] += 1
                orphans += _lives_on(group)
                done += 1
                progress.update()
            differences += _differences(folder, expected)
            finished += 1
    return KillReport(done, finished, dict(stages), differences, orphans)


def _differences(folder: Path, expected: dict[str, str]) -> list[str]:
    differing = {path for path, _ in expected.items() ^ outcome(folder).items()}
    return [f"{folder.name}/{path}" for path in sorted(differing)]


def outcome(folder: Path) -> dict[str, str]:
    """Hashes each file of a finished run that must not depend on interruptions, by its path."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    relative = {str(path.relative_to(folder)): path for path in paths}
    hashes = {
        name: _hash_network(path) if path.suffix == ".h5" else _hash(_content(path))
        for name, path in relative.items()
        if not name.startswith(NOT_COMPARED) and path.name != HASHES
    }
    exports = folder.glob("run/export/*/variables/variables.index")
    return hashes | {str(path.relative_to(folder)): _hash_export(path) for path in exports}


def _content(path: Path) -> bytes:
    """What a file holds, but for lines that say where, or when, its run was made."""
    lines = path.read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_VARYING))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash_network(path: Path) -> str:
    """Hashes weights and where they belong, not layer names, which Keras numbers in a process.

    A file that cannot be read is hashed as it is.
    """
    each = []

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            each.append(name + _hash(item[()].tobytes()))

    try:
        with h5py.File(path) as file:
            file.visititems(add)
    except (OSError, RuntimeError, LookupError, ValueError, TypeError):
        return _hash(path.read_bytes())
    return _hash("".join(sorted(each)).encode())


def _hash_export(index: Path) -> str:
    """Hashes the weights of an export, not its graph, whose nodes TensorFlow numbers freely."""
    import tensorflow as tf

    try:
        weights = tf.train.load_checkpoint(str(index.with_suffix("")))
        names = [n for n in weights.get_variable_to_dtype_map() if "OBJECT_GRAPH" not in n]
        each = [_hash(weights.get_tensor(name).tobytes()) for name in names]
    except tf.errors.OpError:  # damaged
        return _hash(index.read_bytes())
    return _hash("".join(sorted(each)).encode())


def stage(folder: Path) -> str:
    """Names what a stopped run was about to do."""
    if not (folder / "records").exists():
        return "start"
    if not (folder / "records/prepared").exists():
        return "preparation"
    if not (folder / "run/fusion/scores.json").exists():
        finished = len(list((folder / "run").glob("*/round*/scores.json")))
        return "fusion" if (folder / "run/fusion").exists() else f"rounds ({finished} files scored)"
    return "report and export"


def run_alone(command: Sequence[str], folder: Path) -> None:
    """Runs a command in a folder to its end.

    Raises:
        RuntimeError: where it ends with an error; its output is in the message.
    """
    _run(command, folder, None)


def kill_when(command: Sequence[str], folder: Path, path: str) -> None:
    """Runs a command in a folder until `folder/path` is there, then kills its first process.

    Raises:
        RuntimeError: where it ends before.
    """
    process = _start(command, folder)
    while process.poll() is None:
        if (folder / path).exists():
            process.kill()
            process.wait()
            return
        time.sleep(0.01)
    raise RuntimeError(f"{folder}: the run ended before {path} was seen")


def _run(command: Sequence[str], folder: Path, seconds: float | None) -> int | None:
    """Starts a run and kills its first process after some seconds.

    Returns:
        The process group of a run that was killed, None where it ended before.
    """
    process = _start(command, folder)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return process.pid
    if code:
        tail = (folder / "output").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{folder}: the run failed:\n{tail}")
    return None


def _start(command: Sequence[str], folder: Path) -> subprocess.Popen:
    """Starts a command in a folder, in a process group of its own; its output goes to a file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _lives_on(group: int) -> bool:
    """Whether processes that the killed run had started do not end by themselves."""
    for _ in range(ORPHAN_SECONDS * 10):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


def main(_) -> int:
    """Runs the loop and prints what it came to."""
    values = flags.FLAGS
    scratch = scratch_folder(values.scratch, "kill_loop")
    command = [sys.executable, "-m", values.module, *SMALL_RUN]
    report = loop(command=command, scratch=scratch, kills=values.kills, seed=values.seed)
    for name, count in sorted(report.stages.items()):
        print(f"killed in {name}: {count}")
    print(
        f"{report.kills} kills, {report.finished} runs finished, "
        f"{len(report.differences)} files differ, {report.orphans} left processes behind"
    )
    for path in report.differences:
        print(f"differs: {path}")
    return int(bool(report.differences or report.orphans))


if __name__ == "__main__":
    flags.DEFINE_integer("kills", 30, "How many times to kill.", lower_bound=1)
    flags.DEFINE_string(
        "module",
        "deepusps_tf.main",
        "Program to kill; tests.deepusps_tf.tiny_run is the same with a network of seconds.",
    )
    flags.DEFINE_integer("seed", 0, "Seed of the moments.")
    flags.DEFINE_string("scratch", None, "Empty folder for the runs; default: a temporary one.")
    start(main)
