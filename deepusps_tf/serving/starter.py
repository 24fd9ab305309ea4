"""The starter model: comes with the program, for who has trained none.

No training reads it. A contract in pyproject.toml keeps all that trains from importing this module.
"""

from pathlib import Path

from data_prep.base.command import say
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.serving.refinement import crf_by_argument
from deepusps_tf.serving.saliency_model import SaliencyModel, load_model, open_model

STARTER = Path(__file__).parents[1] / "starter/model.keras"
CARD = STARTER.with_name("README.md")
NAME = "the starter model"


def open_chosen(path: str | Path | None) -> SaliencyModel:
    """Opens the model that somebody chose, or else the starter model, and says so in one line.

    Args:
        path: as of `deepusps_tf.serving.saliency_model.open_model`, or None.

    Raises:
        InputError: as `open_model`.
    """
    if path is not None:
        return open_model(path)
    say(f"--model is not given: {NAME} predicts, of which {CARD} tells")
    return _open_starter()


def load_chosen(path: str | Path | None, *, crf: bool | CrfSettings | None = None) -> SaliencyModel:
    """Loads the model that somebody chose, or else the starter model, with a CRF.

    Args:
        path: as of `open_chosen`.
        crf: as of `deepusps_tf.serving.refinement.crf_by_argument`.

    Raises:
        InputError: as `open_model`.
    """
    if path is not None:
        return load_model(path, crf=crf)
    model = _open_starter()
    model.crf = crf_by_argument(crf, model.facts, model.name)
    return model


def _open_starter() -> SaliencyModel:
    model = open_model(STARTER)
    model.name = NAME
    return model
