"""A studio of a model of two convolutions, and a browser's requests to it."""

import io
import time
from pathlib import Path

import flask
import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from data_prep.records.format import open_set
from deepusps_tf.labels.pseudo_labels import write_label_set
from deepusps_tf.runs.chosen import run_photos
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, labels_stem, write_result
from deepusps_tf.runs.workdir import save_settings
from deepusps_tf.serving.saliency_model import wrap_network
from deepusps_tf.studio.app import make_app
from deepusps_tf.studio.chooser import Chooser
from deepusps_tf.studio.gallery import Gallery
from deepusps_tf.studio.label_pages import label_pages
from deepusps_tf.studio.label_sets import RunLabels
from deepusps_tf.studio.run_pages import run_pages
from deepusps_tf.studio.trial_pages import trial_pages
from deepusps_tf.studio.trials import Trials
from tests.deepusps_tf.conftest import SIDE, disc_photo, tiny_model

OWN = {"Origin": "http://localhost"}  # what a page of the studio sends along


@pytest.fixture(scope="session")
def model():
    return wrap_network(tiny_model(backbone="", size=SIDE, seed=3), SIDE)


@pytest.fixture
def trials(model, tmp_path):
    (tmp_path / "trials").mkdir()
    return Trials(lambda: model, tmp_path / "trials")


class Browser(FlaskClient):
    """Reads every answer to its end, which closes the file that it comes from."""

    def open(self, *args, **kwargs):
        return super().open(*args, buffered=True, **kwargs)


@pytest.fixture
def client(trials) -> Browser:
    return Browser(make_app([trial_pages(trials)]), flask.Response)


def photo_file(kind="PNG", number=0) -> bytes:
    """A photo of 96x80 as a file."""
    file = io.BytesIO()
    Image.fromarray(disc_photo(number)[0]).resize((96, 80)).save(file, kind)
    return file.getvalue()


@pytest.fixture
def run(tiny_config):
    """A run on 10 photos by RBD, whose first round is finished, and MC, which has maps alone."""
    photos = open_set(f"{tiny_config.records}/train/images")
    folder = Path(tiny_config.workdir) / "rbd/round1"
    folder.mkdir(parents=True)
    labels = (np.full((SIDE, SIDE), 25 * n, np.uint8) for n in range(10))
    write_label_set(labels=labels, images=photos, stem=labels_stem(folder))
    write_result(RoundResult(folder, photos, RoundFigures((0.5, 0.4), 0.1)))
    save_settings(tiny_config)
    return tiny_config


@pytest.fixture
def gallery(run) -> Gallery:
    """The gallery of `run`, with its view read."""
    made = Gallery(RunLabels(run, run_photos(run)))
    while made.view() is None:
        time.sleep(0.01)
    return made


@pytest.fixture
def studio(run, gallery, trials) -> Browser:
    """A browser at the pages of `run`."""
    chooser = Chooser(Path(run.workdir))
    pages = [trial_pages(trials), label_pages(gallery, chooser), run_pages(run)]
    return Browser(make_app(pages), flask.Response)
