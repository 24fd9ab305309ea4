"""What a photo costs in time and memory as their number grows: maps, records, training, masks.

python -m benchmarks.growth [--counts=500,5000,20000] [--scratch=DIR] [--until=masks]
    [--module=deepusps_tf.main]

Photos of 96x64 pixels are made and go through the commands a user would type, each a process of its
own: maps by MC, records, one round and fusion of an epoch each at 32x32, masks by the export. Shown
are the time a photo takes beyond those of the smaller set, which leaves out what a command costs at
its start, and the largest process of each command. Both should not grow with the number of photos.
"""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from absl import flags
from tqdm import tqdm

from benchmarks.label_training import generated_photos
from benchmarks.scratch import scratch_folder
from data_prep.base.command import start
from data_prep.base.errors import InputError
from data_prep.pictures.images import write_png


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a command took: seconds, also of processor time, megabytes of its largest process."""

    seconds: float
    processor: float
    megabytes: float


def parse_counts(texts: Sequence[str]) -> list[int]:
    """Reads numbers of photos, each larger than the one before.

    Raises:
        InputError: where they are not.
    """
    try:
        counts = [int(text) for text in texts]
    except ValueError:
        counts = []
    if not counts or any(more <= fewer for fewer, more in pairwise([0, *counts])):
        raise InputError(f"--counts={','.join(texts)}: write growing numbers of photos")
    return counts


def commands(module: str) -> dict[str, list[str]]:
    """The commands in order, to be run in a folder that holds `images`; `module` trains."""
    photos = ["--images=images", "--methods=mc"]
    schedule = ["--rounds=1", "--epochs=1", "--fusion_epochs=1", "--learning_rates=1e-4"]
    network = ["--backbone=efficientnet_lite0", "--pretrained=none", "--size=32", "--batch_size=50"]
    run = ["--records=records", "--workdir=run", "--methods=mc", "--crf_cache=0"]
    predict = ["--mode=predict", "--model=run/export", "--images=images", "--nocrf"]
    return {
        "maps": ["data_prep.compute_maps", *photos, "--output=maps"],
        "records": ["data_prep.write_records", *photos, "--maps=maps", "--output=records/train"],
        "training": [module, *run, *schedule, *network],
        "masks": [module, *predict, "--output=masks"],
    }


def measure(folder: Path, count: int, chosen: dict[str, list[str]]) -> dict[str, Cost]:
    """Runs the chosen commands on `count` photos in an empty folder.

    Raises:
        RuntimeError: where one fails; its output is in the message.
    """
    for number, photo in enumerate(tqdm(generated_photos(count), desc="photos", total=count)):
        write_png(folder / f"images/{number:06d}.png", photo)
    return {name: _run(folder, command) for name, command in chosen.items()}


def _run(folder: Path, command: list[str]) -> Cost:
    started = time.perf_counter()
    with (folder / "output").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{output.read()[-2000:]}")
    return Cost(
        time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    )


def growth_lines(costs: dict[int, dict[str, Cost]]) -> list[str]:
    """Lays out what each further photo took: ms, ms of processor time, and the largest process."""
    lines = [f"{'':9} {'photos':>16} {'ms a photo':>11} {'processor ms':>13} {'largest MB':>11}"]
    for name in next(iter(costs.values())):
        first = min(costs)
        lines.append(f"{name:9} {first:16} {'':>11} {'':>13} {costs[first][name].megabytes:11.0f}")
        for fewer, more in pairwise(sorted(costs)):
            before, after = costs[fewer][name], costs[more][name]
            wall, processor = (
                1000 * (getattr(after, field) - getattr(before, field)) / (more - fewer)
                for field in ("seconds", "processor")
            )
            span = f"{fewer} to {more}"
            lines.append(
                f"{name:9} {span:>16} {wall:11.2f} {processor:13.2f} {after.megabytes:11.0f}"
            )
    return lines


def main(_) -> None:
    """Measures every count, in a folder of its own, and prints the table."""
    values = flags.FLAGS
    counts = parse_counts(values.counts)
    last = list(commands("")).index(values.until) + 1
    chosen = dict(list(commands(values.module).items())[:last])
    scratch = scratch_folder(values.scratch, "growth")
    costs = {}
    for count in counts:
        folder = scratch / str(count)
        folder.mkdir(parents=True)
        costs[count] = measure(folder, count, chosen)
        shutil.rmtree(folder)
    print("\n".join(growth_lines(costs)))


if __name__ == "__main__":
    flags.DEFINE_list("counts", ["500", "5000", "20000"], "Numbers of photos.")
    flags.DEFINE_string("scratch", None, "Empty folder to work in; default: a temporary one.")
    flags.DEFINE_enum("until", "masks", list(commands("")), "Last command to measure.")
    flags.DEFINE_string("module", "deepusps_tf.main", "Program that trains and predicts.")
    start(main)
