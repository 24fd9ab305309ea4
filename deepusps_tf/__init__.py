"""DeepUSPS in TensorFlow/Keras: a salient-object segmentation model from unlabelled photos.

    cutout = deepusps_tf.load().cutout("photo.jpg")  # by the starter model
    run = deepusps_tf.train(deepusps_tf.read_flagfile("cpu.flags", images="photos"))
    probability = run.model().predict("photo.jpg")

Importing this package is quick: TensorFlow loads at the first call that needs it.
"""

import contextlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import wrapt

from data_prep.base.errors import InputError
from data_prep.base.installation import check_whole
from deepusps_tf.settings.config import Config

if TYPE_CHECKING:
    from deepusps_tf.commands.train import Run
    from deepusps_tf.labels.crf import CrfSettings
    from deepusps_tf.serving.saliency_model import SaliencyModel

__version__ = "0.2.0"
__all__ = ["Config", "InputError", "Run", "load", "read_flagfile", "train"]

# TensorFlow reads this at its import. It leaves oneDNN's convolutions off on some CPUs, where they
# make a training step up to 1.6 times as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Where the home cannot be written, Keras else takes its settings from /tmp, whoever put them there.
with contextlib.suppress(RuntimeError):  # of a user without a home
    os.environ.setdefault("KERAS_HOME", str(Path.home() / ".keras"))


def train(config: Config) -> "Run":
    """Trains a run, or goes on with one that was stopped.

    Args:
        config: its settings, such as `read_flagfile("cpu.flags", images="photos")`.

    Returns:
        The finished run: its paths, its rows of the stage table, and `model()`.

    Raises:
        InputError: for settings, photos or files that cannot be used, or where this installation
            can only predict, in one line.
    """
    check_whole("train")
    from deepusps_tf.commands.train import train_run

    return train_run(config)


def load(
    path: str | Path | None = None, *, crf: "bool | CrfSettings | None" = None
) -> "SaliencyModel":
    """Loads an exported model, which refines its predictions with the CRF of its training.

    Args:
        path: `<workdir>/export`, whose latest version is taken, one version in it, or a `.keras`
            file; None: the starter model, which comes with the program.
        crf: None: the model's own CRF, none for a model that does not know it; False: none; True:
            one, with the model's constants or else those of the authors' release; or the constants.
            One line says where this is not the model's own.

    Returns:
        A model whose `predict(photo)` gives float32 [H, W] in [0, 1] and `cutout(photo)` uint8
        [H, W, 4] of a path, a file's bytes, a Pillow image or an array. Its `facts` are what it
        says of itself.

    Raises:
        InputError: where there is no model that this program exported.
    """
    from deepusps_tf.serving.starter import load_chosen

    return load_chosen(path, crf=crf)


def read_flagfile(path: str | Path, **changes) -> Config:
    """Reads the settings of a flagfile.

    Args:
        path: a flagfile, or the name of one that comes with the program: `cpu.flags`.
        **changes: settings by name that take the place of the file's.

    Raises:
        InputError: there is no such file, or its settings cannot be used.
    """
    from deepusps_tf.settings.flagfile import read_experiment

    return read_experiment(path, **changes)


def __getattr__(name: str):
    if name == "Run":
        return importlib.import_module("deepusps_tf.commands.train").Run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _register_layers(_) -> None:
    """Makes Keras know this program's layers, so that it loads a `.keras` file of them."""
    importlib.import_module("deepusps_tf.networks.saliency_network")


wrapt.register_post_import_hook(_register_layers, "keras")
