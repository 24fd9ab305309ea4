"""Compares the photos that the input pipeline delivers with those that a training step consumes.

python -m benchmarks.input_pipeline [--images=DIR] [--photos=100]
    [--networks=efficientnet_lite0:160:10,drn_d_22:224:4,drn_d_22:432:4] [--seconds=6]

Without --images, the embedded sample is used. Both are timed in turns in one process, each with all
cores to itself. The ratio of their rates says how much longer a step takes than its batch; that of
their processor times which part of the machine the pipeline costs beside the training.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from absl import flags

from benchmarks.train_step import SETTINGS, keras_steps, parse_case, time_steps
from data_prep.base.command import start
from data_prep.pictures.images import read_rgb
from data_prep.pictures.photos import list_photos
from data_prep.records.format import LabelRecord, RecordSet, open_set, order_ids
from data_prep.records.shard_writer import write_shards
from data_prep.sample.sample import write_sample
from data_prep.write_records import STORED_SIDE, image_record
from deepusps_tf.data.batches import training_batches

BATCHES = 10  # a timing of the pipeline, which delivers in bursts


def write_photo_records(folder: Path, images: Path, count: int) -> tuple[RecordSet, RecordSet]:
    """Stores photos as a run would, each with its own brightness as the label.

    Raises:
        InputError: where a photo cannot be read.
    """
    listed = {photo.id: photo for photo in list_photos(images)[:count]}
    photos = [listed[photo_id] for photo_id in order_ids(listed)]
    records = (image_record(photo, None, STORED_SIDE) for photo in photos)
    labels = (LabelRecord.from_map(photo.id, _brightness(photo.path)) for photo in photos)
    write_shards(stem=f"{folder}/images", records=records, count=len(photos))
    write_shards(stem=f"{folder}/labels", records=labels, count=len(photos))
    return open_set(f"{folder}/images"), open_set(f"{folder}/labels")


def _brightness(path: Path) -> np.ndarray:
    """A photo in grey, uint8 [H, W]."""
    return read_rgb(path).mean(axis=-1).astype(np.uint8)


def compare(text: str, images: RecordSet, labels: RecordSet, seconds: float) -> Iterator[str]:
    """Times both for one `network:size:batch` and describes each, then their ratio."""
    case = parse_case(text)
    batches = iter(
        training_batches(
            images=images,
            labels=[labels],
            size=case.size,
            batch_size=case.batch,
            seed=0,
            first_epoch=0,
            epochs=1_000_000,
        )
    )
    settings = {name: values[0] for name, values in SETTINGS["keras"].items()}
    training_step = dict(keras_steps(case, settings))["training"]
    delivery = time_steps(lambda: [next(batches) for _ in range(BATCHES)], seconds)
    training = time_steps(training_step, seconds)
    for name, timing, count in (
        ("delivered", delivery, BATCHES * case.batch),
        ("consumed", training, case.batch),
    ):
        rate, processor = count / timing.seconds, 1000 * timing.processor / count
        yield f"{text} {name:9} {rate:8.2f} photos/s, {processor:7.2f} ms of processor time each"
    faster = training.seconds / delivery.seconds * BATCHES
    cheaper = training.processor / delivery.processor * BATCHES
    yield f"{text} the pipeline is x{faster:.1f} as fast, x{cheaper:.1f} by processor time"


def main(_) -> None:
    """Writes the records and prints the figures."""
    values = flags.FLAGS
    with tempfile.TemporaryDirectory() as scratch:
        if values.images:
            images = Path(values.images)
        else:
            write_sample(
                output=Path(scratch) / "sample", size=values.photos, seed=0, progress=False
            )
            images = Path(scratch) / "sample/train/images"
        records = write_photo_records(Path(scratch) / "records", images, values.photos)
        for case in values.networks:
            for line in compare(case, *records, values.seconds):
                print(line, flush=True)


def define_flags() -> None:
    """Defines the command line's flags."""
    flags.DEFINE_string("images", None, "Folder of photos; the embedded sample where absent.")
    flags.DEFINE_integer("photos", 100, "How many of them.", lower_bound=1)
    flags.DEFINE_list(
        "networks",
        ["efficientnet_lite0:160:10", "drn_d_22:224:4", "drn_d_22:432:4"],
        "network:size:batch, several.",
    )
    flags.DEFINE_float("seconds", 6.0, "Of each timing, at least.", lower_bound=0.1)


if __name__ == "__main__":
    define_flags()
    start(main)
