"""The starter model is the network that its card tells of, and all that predict by it agree."""

import re
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

import deepusps_tf
from data_prep.base.errors import InputError
from data_prep.sample.sources import load_photograph
from deepusps_tf.commands.predict import predict
from deepusps_tf.data.decoding import fit_square
from deepusps_tf.scoring.figures import OWN_SIZE
from deepusps_tf.serving.starter import CARD, NAME, STARTER, open_chosen
from deepusps_tf.settings.checks import checked
from deepusps_tf.settings.config import Config

SCORES = ("f_fixed", "mae", "precision", "recall")


@pytest.fixture(scope="module")
def starter():
    return deepusps_tf.load()


def test_it_is_small_and_says_what_it_learned_from(starter):
    assert STARTER.stat().st_size < 10e6
    facts = starter.facts
    assert (facts.photos, facts.trained_on, facts.oracle) == (1000, "MSRA-1000", "none")
    assert starter.crf == facts.crf and starter.name == NAME
    with zipfile.ZipFile(STARTER) as archive:
        text = archive.read("model.json").decode()
    assert '"/' not in text  # no path of the machine that made it


def test_its_card_is_that_of_its_facts(starter):
    card, facts = CARD.read_text(encoding="utf-8"), starter.facts
    numbers = r" \| ([\d.]+)" * len(SCORES)
    rows = re.findall(rf"^\| ([^|]+) \| (\d+) \| ([^|]+){numbers} \|$", card, re.M)
    told = [
        (
            *(figures.test_set, str(figures.photos), figures.output),
            *(f"{100 * figures.scores[name]:.2f}" for name in SCORES),
        )
        for figures in facts.figures
        if figures.resolution == OWN_SIZE
    ]
    assert rows and sorted(rows) == sorted(told)
    for words in (
        f"{facts.photos:,} photos",
        f"{facts.network} at {facts.size}x{facts.size}",
        f"reach {facts.crf.bilateral_sxy:g}",
        f"{facts.crf.iterations} iterations",
        "ImageNet",
        "Apache",
    ):
        assert words in card


def test_the_command_the_package_and_keras_make_one_mask_of_a_photo(starter, tmp_path, capsys):
    photo = load_photograph("coffee")
    Image.fromarray(photo).save(tmp_path / "photo.png")
    places = {"images": str(tmp_path / "photo.png"), "output": str(tmp_path / "mask.png")}
    config = checked(Config(mode="predict", crf_processes=1, **places))
    assert predict(config) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if NAME in line]
    assert said == [f"--model is not given: {NAME} predicts, of which {CARD} tells"]
    mask = np.asarray(Image.open(tmp_path / "mask.png")) > 0
    np.testing.assert_array_equal(mask, starter.predict(photo) > 0.5)
    square = fit_square(photo, starter.facts.size)
    by_keras = keras.models.load_model(STARTER, compile=False)(square[None])[0]
    (own,) = starter.predict_seen([starter.see(photo)])
    enlarged = keras.ops.image.resize(by_keras, own.shape)[..., 0]
    np.testing.assert_allclose(enlarged, own, atol=1e-5)


def test_a_model_that_is_named_and_missing_is_no_starter_model(tmp_path):
    with pytest.raises(InputError, match="gone.keras: no such file"):
        open_chosen(tmp_path / "gone.keras")
    with pytest.raises(InputError, match="holds no exported model"):
        deepusps_tf.load(tmp_path)
    with pytest.raises(InputError, match="--mode=predict needs --model"):
        checked(Config(mode="predict", workdir="run", images="i", output="o"))
