"""The newest pictures that a training left in its TensorBoard log."""

from pathlib import Path

import tensorflow as tf
from tensorboard.compat.proto import event_pb2

from deepusps_tf.studio.progress import Progress

_SUFFIX = "prediction in training"  # of the name under which `EpochLog` writes them


def newest_pictures(workdir: Path, progress: Progress) -> tuple[str, list[bytes]]:
    """Finds the pictures of the newest epoch: photos, each with what the network made of it.

    Args:
        workdir: of the run.
        progress: how far it is.

    Returns:
        In words when they were made, and the pictures as PNG; none where there are none yet.
    """
    last = len(progress.stages) if progress.current is None else progress.current + 1
    for stage in reversed(progress.stages[:last]):
        events = sorted((workdir / "logs" / stage.name).glob("events.out.tfevents.*"))
        for path in reversed(events):
            epoch, pictures = _last_pictures(path)
            if pictures:
                return f"{stage.name}, epoch {epoch} of {stage.epochs}", pictures
    return "", []


def _last_pictures(path: Path) -> tuple[int, list[bytes]]:
    """The step and the pictures that were written to a log last; it may be written to meanwhile."""
    step, pictures = 0, []
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = event_pb2.Event.FromString(record)
            for value in event.summary.value:
                if value.tag.endswith(_SUFFIX):
                    # The first two are width and height.
                    step, pictures = event.step, list(value.tensor.string_val[2:])
    except (tf.errors.DataLossError, tf.errors.NotFoundError):  # half a record at its end
        pass
    return step, pictures
