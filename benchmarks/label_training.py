"""A training process that `benchmarks.label_engine` measures: epochs with and without labels.

python -m benchmarks.label_training --scratch=DIR [--generate=N | DIR/photos.npy] [--pinned]

Prints seconds or peak memory as one line of JSON.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from absl import flags

from data_prep.base.command import start
from deepusps_tf.labels.crf import RELEASE_SETTINGS
from deepusps_tf.labels.crf_pool import CrfPool

EPOCHS = 2


def main(_) -> None:
    """Trains on photos left in the scratch folder, or on generated ones."""
    values = flags.FLAGS
    scratch = Path(values.scratch)
    if values.generate:
        # One process, and lattices for fewer than the smaller set, so that both sets fill them.
        with CrfPool(1, RELEASE_SETTINGS, 2**24) as pool:
            run = _round_runner(scratch, partial(generated_photos, values.generate), size=32)
            run(True, 2, pool)
            figures = {
                "training_mb": peak_megabytes(),
                "crf_mb": pool.in_each_process(peak_megabytes)[0],
            }
    else:
        with CrfPool(int(values.pinned), RELEASE_SETTINGS, 2**30) as pool:
            if values.pinned:
                _pin_apart(pool)
            run = _round_runner(scratch, partial(np.load, scratch / "photos.npy"), size=160)
            figures = _time_epochs(run, pool, values.repeats)
    print(json.dumps(figures))


def peak_megabytes() -> float:
    """Peak memory of this process since it started; `getrusage` would count its parent's too."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def generated_photos(count: int) -> Iterator[np.ndarray]:
    """Makes photos of 96x64 pixels: a bright disc on coloured noise."""
    for number in range(count):
        random = np.random.default_rng(number)
        photo = cv2.resize(random.integers(0, 120, (8, 12, 3), dtype=np.uint8), (96, 64))
        centre = (int(random.integers(20, 76)), int(random.integers(16, 48)))
        colour = tuple(int(value) for value in random.integers(130, 255, 3))
        yield cv2.circle(photo, centre, int(random.integers(8, 16)), colour, -1)


def _round_runner(scratch: Path, photos: Callable[[], Iterable[np.ndarray]], size: int):
    """Returns a function (collect labels?, epochs, pool) that trains a round and times it."""
    # Late, so that TensorFlow's threads start on the cores chosen by then.
    from deepusps_tf.distribution.devices import make_strategy
    from deepusps_tf.settings.config import Config
    from deepusps_tf.settings.sections.fusion import AVERAGES
    from deepusps_tf.training.rounds import Round
    from deepusps_tf.training.trainer import Trainer

    images, labels = _write_records(scratch / "records", photos)
    config = Config(
        records=str(scratch / "records"),
        workdir=str(scratch / "run"),
        backbone="efficientnet_lite0",
        size=size,
        batch_size=10,
    )
    strategy = make_strategy("auto")
    trainers = {}

    def run(collect: bool, epochs: int, pool: CrfPool) -> float:
        if collect not in trainers:
            makes = AVERAGES if collect else None
            trainers[collect] = Trainer(config, strategy, images, beta_squared=1.0, makes=makes)
        spec = Round(f"timed{time.monotonic_ns()}/round1", 0, 0.3, 1e-3, epochs)
        started = time.perf_counter()
        trainers[collect].train(spec, [labels], pool)
        return time.perf_counter() - started

    return run


def _write_records(folder: Path, photos: Callable[[], Iterable[np.ndarray]]):
    """Writes photos with their brightness as label, one in memory at a time; opens both sets."""
    from data_prep.pictures.images import encode_png
    from data_prep.records.format import ImageRecord, LabelRecord, open_labels, open_set
    from data_prep.records.shard_writer import write_shards

    def image(name: str, photo: np.ndarray) -> ImageRecord:
        return ImageRecord(name, encode_png(photo), *photo.shape[:2])

    def label(name: str, photo: np.ndarray) -> LabelRecord:
        return LabelRecord.from_map(name, cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY))

    count = sum(1 for _ in photos())
    for stem, record in (("images", image), ("labels", label)):
        records = (record(f"{number:05d}", photo) for number, photo in enumerate(photos()))
        write_shards(stem=f"{folder}/{stem}", records=records, count=count)
    opened = open_set(f"{folder}/images")
    return opened, open_labels(f"{folder}/labels", opened)


def _time_epochs(run, pool: CrfPool, repeats: int) -> dict[str, float]:
    """Times epochs without and with labels, in turns; what a round costs besides falls out.

    The fastest of each kind count: other users of a machine can only slow a run.
    """
    seconds = {(collect, epochs): [] for collect in (False, True) for epochs in (1, 1 + EPOCHS)}
    for collect in (False, True):
        run(collect, 2, pool)  # traces the step, keeps lattices
    for _ in range(repeats):
        for (collect, epochs), values in seconds.items():
            values.append(run(collect, epochs, pool))
    without, collecting = (
        (min(seconds[collect, 1 + EPOCHS]) - min(seconds[collect, 1])) / EPOCHS
        for collect in (False, True)
    )
    return {"without": without, "with": collecting}


def _pin_apart(pool: CrfPool) -> None:
    """Starts the CRF process on the last core, then keeps this process to the first."""
    own = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, own[-1:])
    pool.submit(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), lambda _: None)
    pool.drain()
    os.sched_setaffinity(0, own[:1])


if __name__ == "__main__":
    flags.DEFINE_string("scratch", None, "Folder for records and runs.", required=True)
    flags.DEFINE_integer("generate", 0, "Train on this many generated photos.")
    flags.DEFINE_integer("repeats", 3, "Timings of each kind, in turns.")
    flags.DEFINE_bool("pinned", False, "Training on the first core, CRFs on the last.")
    start(main)
