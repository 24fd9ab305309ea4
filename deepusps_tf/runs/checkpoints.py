"""Epochs as all-or-nothing commits: a killed round goes on after its last whole epoch."""

import json
import math
import shutil
from pathlib import Path

import keras

from data_prep.base.errors import InputError, damage_named
from data_prep.base.files import write_text
from deepusps_tf.distribution.workers import ALONE, Workers
from deepusps_tf.labels.moving_average import MovingAverage

_HDF5_BYTES = 4096  # what HDF5 adds to each variable, at most


class EpochCommits(keras.callbacks.Callback):
    """Publishes weights, optimiser and moving average of each epoch together.

    The average's file is whole before this callback runs; the folder `epoch-<n>` with the weights
    is then renamed into place, which makes the epoch count. Older epochs are deleted after that.

    Args:
        folder: where commits are kept.
        average: the moving average of the round, or None where none is collected.
        workers: those that train together; the chief alone writes.
    """

    def __init__(self, folder: Path, average: MovingAverage | None, workers: Workers = ALONE):
        super().__init__()
        self._folder = Path(folder)
        self._average = average
        self._workers = workers
        self.losses: list[float] = []

    def restore(self, model: keras.Model) -> int:
        """Loads the last whole epoch into a built and compiled model.

        Returns:
            How many epochs are done; 0 for a fresh round.

        Raises:
            InputError: where the committed weights cannot be read.
        """
        committed = sorted(self._folder.glob("epoch-[0-9][0-9][0-9][0-9]"))
        if not committed:
            return 0
        latest = committed[-1]
        with damage_named(latest / "state.json", "delete its round"):
            state = json.loads((latest / "state.json").read_text(encoding="utf-8"))
            epochs, self.losses = state["epochs"], [float(loss) for loss in state["losses"]]
        load_weights(model, latest / "model.weights.h5", "delete its round")
        return epochs

    def on_epoch_end(self, epoch, logs=None):
        """Commits the epoch that just ended."""
        done = epoch + 1
        if not math.isfinite(logs["loss"]):
            raise InputError(
                f"{self._folder}: the loss of epoch {done} is not finite; lower the learning rate"
            )
        self.losses = [*self.losses, float(logs["loss"])]
        if self._workers.is_chief:
            self._commit(done)

    def _commit(self, done: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"epoch-{done:04d}"
        partial = target.with_suffix(".tmp")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        save_weights(self.model, partial / "model.weights.h5")
        write_text(str(partial / "state.json"), json.dumps({"epochs": done, "losses": self.losses}))
        partial.replace(target)
        for older in self._folder.glob("epoch-*"):
            if older != target:
                shutil.rmtree(older)
        if self._average is not None:
            self._average.keep_only(done)


def load_weights(model: keras.Model, path: Path, mend: str) -> None:
    """Reads a model's weights, and its optimiser's where it is compiled, from a `.weights.h5`.

    Raises:
        InputError: naming the file and `mend`, where it is missing, damaged or another model's.
    """
    try:
        model.load_weights(path)
    except (OSError, ValueError, LookupError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: cannot be loaded ({reason}); {mend}") from error


def save_weights(model: keras.Model, path: Path) -> None:
    """Writes a model's weights, and its optimiser's where it is compiled, to a `.weights.h5`.

    Raises:
        InputError: naming the file, where the disk is full or forbids it.
    """
    # Looked at first: on a full disk HDF5 prints tracebacks of its own that nobody can catch.
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else [])]
    needed = sum(math.prod(v.shape) * 4 + _HDF5_BYTES for v in variables) + 16 * _HDF5_BYTES
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise InputError(
            f"{path}: cannot be written (it needs {needed / 1e6:.1f} MB, {free / 1e6:.1f} MB are "
            "free); make room and run the same command again"
        )
    try:
        model.save_weights(path)
    except OSError as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: cannot be written ({reason}); mend that and run the same command again"
        ) from error
