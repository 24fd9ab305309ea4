"""What the label engine costs: CRFs a second, epochs with and without labels, memory.

python -m benchmarks.label_engine [--parts=crf,epoch,memory] [--images=DIR] [--repeats=3]

crf     maps a second at 432x432, 5 iterations: one process calling pydensecrf, against one such
        process a core (the most this machine can give), and against the pool without and with kept
        lattices (its later passes over the photos), in turns.
epoch   seconds of a training epoch (EfficientNet-Lite0, 160x160, batch 10) with and without
        collecting labels, in turns; once with everything sharing all cores, once with training on
        the first core and CRFs on the second, so that there are cores to spare.
memory  peak memory of a process that trains two epochs with labels on 500 and on 5,000 generated
        photos, and of its CRF process.

Photos are those of --images, else of the embedded sample.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.processes import cores, worker_pool
from data_prep.pictures.images import read_rgb
from data_prep.pictures.photos import list_photos
from data_prep.sample.sample import write_sample
from deepusps_tf.labels.crf import RELEASE_SETTINGS, field_bytes, refine
from deepusps_tf.labels.crf_pool import CrfPool

CRF_SIDE = 432
CRF_PHOTOS = 24
EPOCH_PHOTOS = 40
MEMORY_PHOTOS = (500, 5000)
PARTS = ("crf", "epoch", "memory")


def load_photos(folder: str | None, count: int, side: int) -> list[np.ndarray]:
    """Reads up to `count` photos, of the sample where no folder is given: uint8 [side, side, 3]."""
    with tempfile.TemporaryDirectory() as scratch:
        if folder is None:
            write_sample(output=Path(scratch) / "sample", size=3 * count, seed=0)
            folder = f"{scratch}/sample/train/images"
        paths = [photo.path for photo in list_photos(folder)[:count]]
        return [cv2.resize(read_rgb(path), (side, side)) for path in paths]


def time_crfs(photos: list[np.ndarray], repeats: int) -> None:
    """Prints maps a second of one process and of the pool, and their ratios."""
    random = np.random.default_rng(0)
    maps = [cv2.GaussianBlur(random.random(p.shape[:2], np.float32), (0, 0), 20) for p in photos]
    pairs = [(photo, np.clip(3 * m - 1, 0, 1)) for photo, m in zip(photos, maps, strict=True)]
    budget = 2 * len(pairs) * field_bytes(CRF_SIDE**2)
    chunks = [pairs[start :: cores()] for start in range(cores())]
    with (
        worker_pool(cores()) as bare,
        CrfPool(0, RELEASE_SETTINGS) as plain,
        CrfPool(0, RELEASE_SETTINGS, budget) as keeping,
    ):
        works = {
            "one process": lambda: _refine_chunk(pairs),
            "a process a core": lambda: list(bare.map(_refine_chunk, chunks)),
            "pool": lambda: list(plain.refine_all(pairs)),
            "pool, kept lattices": lambda: list(keeping.refine_all(pairs)),
        }
        for work in works.values():
            work()  # starts processes; the last keeps lattices
        seconds = {name: [] for name in works}
        for _ in range(repeats):
            for name, work in works.items():
                started = time.perf_counter()
                work()
                seconds[name].append(time.perf_counter() - started)
    # The fastest: other users of a machine can only slow a run.
    print(f"CRF at {CRF_SIDE}x{CRF_SIDE}, {len(pairs)} photos, {cores()} cores, fastest of each:")
    base = min(seconds["one process"])
    for name, values in seconds.items():
        print(f"  {name:20} {len(pairs) / min(values):6.2f} maps/s   x{base / min(values):.2f}")


def _refine_chunk(pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for pair in pairs:
        refine(*pair)


def time_epochs(photos: list[np.ndarray], repeats: int) -> None:
    """Prints seconds of an epoch with and without labels, all cores shared and one apart."""
    for pinned in (False, True):
        if pinned and cores() < 2:
            print("epochs with a core to spare: this machine has one core")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            np.save(f"{scratch}/photos.npy", np.stack(photos))
            fields = _train(scratch, f"--repeats={repeats}", f"--pinned={pinned}")
        plain, collecting = fields["without"], fields["with"]
        where = "training on core 1, CRFs on core 2" if pinned else f"{cores()} cores shared"
        print(
            f"epoch of {len(photos)} photos, {where}: without labels {plain:.2f} s, with "
            f"{collecting:.2f} s, x{collecting / plain:.3f}"
        )


def measure_memory() -> None:
    """Prints peak memory at few and at many photos, and its ratio."""
    peaks = []
    for count in MEMORY_PHOTOS:
        with tempfile.TemporaryDirectory() as scratch:
            fields = _train(scratch, f"--generate={count}")
        peaks.append(fields["training_mb"] + fields["crf_mb"])
        print(
            f"{count} generated photos: training {fields['training_mb']:.0f} MB, "
            f"CRF process {fields['crf_mb']:.0f} MB"
        )
    print(f"peak at {MEMORY_PHOTOS[1]} photos / at {MEMORY_PHOTOS[0]}: x{peaks[1] / peaks[0]:.3f}")


def _train(scratch: str, *options: str) -> dict[str, float]:
    """Runs `benchmarks.label_training` and reads what it measured."""
    command = [sys.executable, "-m", "benchmarks.label_training", f"--scratch={scratch}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main(_) -> int:
    """Measures the parts asked for, one after another."""
    values = flags.FLAGS
    unknown = sorted(set(values.parts) - set(PARTS))
    if unknown:
        print(f"error: --parts={','.join(unknown)}: choose from {', '.join(PARTS)}")
        return 2
    if "crf" in values.parts:
        time_crfs(load_photos(values.images, CRF_PHOTOS, CRF_SIDE), values.repeats)
    if "epoch" in values.parts:
        time_epochs(load_photos(values.images, EPOCH_PHOTOS, 160), values.repeats)
    if "memory" in values.parts:
        measure_memory()
    return 0


if __name__ == "__main__":
    flags.DEFINE_list("parts", list(PARTS), f"What to measure, of {', '.join(PARTS)}.")
    flags.DEFINE_string("images", None, "Folder of photos; default: the embedded sample.")
    flags.DEFINE_integer("repeats", 3, "Timings of each kind, in turns.", lower_bound=1)
    from benchmarks import label_engine  # by that name the processes find what they are to do

    start(label_engine.main)
