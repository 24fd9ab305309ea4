"""Epochs as all-or-nothing commits: a killed round goes on after its last whole epoch."""

import json
import math
import shutil
from pathlib import Path

import keras

from data_prep.errors import InputError
from deepusps_tf.moving_average import MovingAverage


class EpochCommits(keras.callbacks.Callback):
    """Publishes weights, optimiser and moving average of each epoch together.

    The average's file is whole before this callback runs; the folder `epoch-<n>` with the weights
    is then renamed into place, which makes the epoch count. Older epochs are deleted after that.

    Args:
        folder: where commits are kept.
        average: the moving average of the round, or None where none is collected.
    """

    def __init__(self, folder: Path, average: MovingAverage | None):
        super().__init__()
        self._folder = Path(folder)
        self._average = average
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
        try:
            state = json.loads((latest / "state.json").read_text(encoding="utf-8"))
            model.load_weights(latest / "model.weights.h5")
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{latest}: damaged commit ({reason}); delete its round") from error
        self.losses = state["losses"]
        return state["epochs"]

    def on_epoch_end(self, epoch, logs=None):
        """Commits the epoch that just ended."""
        done = epoch + 1
        if not math.isfinite(logs["loss"]):
            raise InputError(
                f"{self._folder}: the loss of epoch {done} is not finite; lower the learning rate"
            )
        self.losses = [*self.losses, float(logs["loss"])]
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"epoch-{done:04d}"
        partial = target.with_suffix(".tmp")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        self.model.save_weights(partial / "model.weights.h5")
        state = {"epochs": done, "losses": self.losses}
        (partial / "state.json").write_text(json.dumps(state), encoding="utf-8")
        partial.replace(target)
        for older in self._folder.glob("epoch-*"):
            if older != target:
                shutil.rmtree(older)
        if self._average is not None:
            self._average.keep_only(done)
