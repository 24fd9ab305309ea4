"""Photos that are tried: each is predicted as `--mode=predict` does, and the newest are kept."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image

from data_prep.base.errors import InputError
from data_prep.pictures.images import read_rgb_within
from data_prep.pictures.origin import photo_hash
from deepusps_tf.serving.model_facts import THRESHOLD
from deepusps_tf.serving.predict import write_prediction
from deepusps_tf.serving.saliency_model import SaliencyModel

KINDS = ("mask", "probability", "cutout")
SHOWN = "shown"  # the photo, small, as browsers can show it
KEPT = 8  # trials
_SHOWN_SIDE = 1200


class Trial(NamedTuple):
    """A photo that was tried.

    Attributes:
        number: by which its pictures are asked for.
        width: of the photo, upright, in pixels.
        height: the same.
        salient: share of the photo that its mask calls salient, in [0, 1].
        seconds: that reading and predicting it took.
    """

    number: int
    width: int
    height: int
    salient: float
    seconds: float


class Trials:
    """Predicts photos one at a time and keeps the pictures of the last `KEPT`.

    Args:
        model: gives the model.
        folder: an empty folder of this process alone.
    """

    def __init__(self, model: Callable[[], SaliencyModel], folder: Path):
        self.model = model
        self._folder = folder
        self._lock = threading.Lock()
        self._last = 0

    def add(self, name: str, photo: IO[bytes]) -> Trial:
        """Predicts a photo and writes its pictures.

        Args:
            name: of its file, for messages.
            photo: the file's bytes.

        Raises:
            InputError: naming the photo, where it cannot be read, or as the model cannot be had.
        """
        with self._lock:
            self._last += 1
            folder = self._folder / str(self._last)
            folder.mkdir()
            path = folder / "photo"
            try:
                with path.open("wb") as file:
                    shutil.copyfileobj(photo, file)
                return self._predict(self._last, path)
            except InputError as error:
                raise InputError(str(error).replace(str(path), name or "the photo")) from None
            finally:
                path.unlink(missing_ok=True)
                shutil.rmtree(self._folder / str(self._last - KEPT), ignore_errors=True)

    def picture(self, number: int, kind: str) -> Path | None:
        """The file of a picture: of `KINDS`, or `SHOWN`; None where there is none (any more)."""
        path = self._folder / str(number) / f"{kind}.{'jpg' if kind == SHOWN else 'png'}"
        return path if kind in (*KINDS, SHOWN) and path.is_file() else None

    def _predict(self, number: int, path: Path) -> Trial:
        model, begun = self.model(), time.monotonic()
        made_of = photo_hash(path)
        probability = model.predict(path)
        seconds = time.monotonic() - begun
        for kind in KINDS:
            picture = path.with_name(f"{kind}.png")
            write_prediction(picture, probability, kind, photo=path, made_of=made_of)
        shown, _ = read_rgb_within(path, max_side=_SHOWN_SIDE)
        Image.fromarray(shown).save(path.with_name(f"{SHOWN}.jpg"), quality=90)
        height, width = probability.shape
        salient = float(np.mean(probability > THRESHOLD))
        return Trial(number, width, height, salient, seconds)
