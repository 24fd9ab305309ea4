"""Serves pages on this machine, on which a model is tried and a run looked at."""

import importlib.util
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from data_prep.base.errors import InputError
from deepusps_tf.runs.chosen import run_photos
from deepusps_tf.runs.workdir import saved_run
from deepusps_tf.settings.config import Config

if TYPE_CHECKING:
    import flask

PACKAGES = ("flask", "waitress")


def studio(config: Config) -> None:
    """Serves the pages until Ctrl-C.

    Raises:
        InputError: the extra `studio` is not installed, the port is taken, or as `pages_of`.
    """
    if not all(map(importlib.util.find_spec, PACKAGES)):
        raise InputError("studio needs Flask and waitress: pip install 'deepusps_tf[studio]'")
    from deepusps_tf.studio.app import make_app
    from deepusps_tf.studio.server import ADDRESS, make_server

    tf.config.set_visible_devices([], "GPU")  # which a training may be using
    with tempfile.TemporaryDirectory(prefix="deepusps-studio-") as folder:
        server = make_server(make_app(pages_of(config, Path(folder))), config.port)
        print(f"studio: http://{ADDRESS}:{server.effective_port}/ (Ctrl-C ends it)", flush=True)
        server.run()


def pages_of(config: Config, folder: Path) -> "list[flask.Blueprint]":
    """Makes the pages of a model, or of a run.

    Args:
        config: its model, or its workdir.
        folder: an empty folder, for the pictures of photos that are tried.

    Raises:
        InputError: there is no such model or run, or it cannot be read.
    """
    from deepusps_tf.studio.chooser import Chooser
    from deepusps_tf.studio.gallery import Gallery
    from deepusps_tf.studio.label_pages import label_pages
    from deepusps_tf.studio.label_sets import RunLabels
    from deepusps_tf.studio.newest_model import NewestModel
    from deepusps_tf.studio.run_pages import run_pages
    from deepusps_tf.studio.trial_pages import trial_pages
    from deepusps_tf.studio.trials import Trials

    if config.model:
        model = NewestModel(config.model)
        model()  # what is wrong with it, the command tells
        return [trial_pages(Trials(model, folder))]
    saved = saved_run(config)
    workdir = Path(config.workdir)
    gallery = Gallery(RunLabels(saved, run_photos(saved)))
    gallery.view()  # begins to read
    return [
        trial_pages(Trials(NewestModel(workdir / "export"), folder)),
        label_pages(gallery, Chooser(workdir)),
        run_pages(saved),
    ]
