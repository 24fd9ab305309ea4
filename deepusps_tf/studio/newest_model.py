"""The newest model of a folder of exports, loaded when it is asked for."""

import threading
from pathlib import Path

from deepusps_tf.serving.saliency_model import SaliencyModel, load_model
from deepusps_tf.settings.places import find_model


class NewestModel:
    """Loads a model once, and again where a newer one was exported.

    Args:
        folder: as of `deepusps_tf.load`.
    """

    def __init__(self, folder: str | Path):
        self._folder = folder
        self._lock = threading.Lock()
        self._loaded: tuple[Path, SaliencyModel] | None = None

    def __call__(self) -> SaliencyModel:
        """Gives the model.

        Raises:
            InputError: there is none, or it cannot be loaded.
        """
        with self._lock:
            path = find_model(self._folder)
            if self._loaded is None or self._loaded[0] != path:
                self._loaded = path, load_model(path)
            return self._loaded[1]
