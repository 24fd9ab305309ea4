"""A `.keras` file of this program: its network, and what it says of itself."""

import zipfile
from pathlib import Path

import keras

from data_prep.base.errors import InputError, damage_named
from deepusps_tf.serving.file_metadata import read_from_keras
from deepusps_tf.serving.model_facts import ModelFacts, parse_facts

_MEND = "write it again with --mode=export --format=keras"


def load_network(path: Path) -> keras.Model:
    """Loads the network of a `.keras` file, weights in float32 whatever the file has.

    Raises:
        InputError: the file is damaged, or of no network of square photos to probabilities.
    """
    try:
        network = keras.models.load_model(path, compile=False)
        _, side, _, _ = network.input_shape
        shapes = network.input_shape, network.output_shape
    except (ValueError, TypeError, LookupError, AttributeError, OSError, zipfile.BadZipFile) as e:
        reason = " ".join(str(e).split())[:120]
        raise InputError(f"{path}: cannot be loaded ({reason}); {_MEND}") from e
    if shapes != ((None, side, side, 3), (None, side, side, 1)) or side is None:
        raise InputError(f"{path}: not a network of square photos to probabilities; {_MEND}")
    return network


def facts_in_keras_file(path: Path) -> ModelFacts | None:
    """Reads what a `.keras` file says of itself; None where it says nothing.

    Raises:
        InputError: that is damaged.
    """
    with damage_named(path, _MEND):
        text = read_from_keras(path)
        return None if text is None else parse_facts(text)
