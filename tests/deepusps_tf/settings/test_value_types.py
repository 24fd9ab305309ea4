from pathlib import Path

import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.value_types import typed


def test_values_that_mean_the_same_are_turned():
    config = Config(
        images=Path("photos"), epochs=np.int64(3), methods=["rbd"], learning_rates=[1, 2, 3]
    )
    assert (config.images, config.methods) == ("photos", ("rbd",))
    assert type(config.epochs) is int and config.epochs == 3
    assert config.learning_rates == (1.0, 2.0, 3.0)
    assert all(type(rate) is float for rate in config.learning_rates)
    assert typed("images", None, str | None) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 2.5}, "epochs=2.5: give a whole number"),
        ({"epochs": "2"}, "epochs='2': give a whole number"),
        ({"epochs": True}, "epochs=True: give a whole number"),
        ({"crf": 1}, "crf=1: give True or False"),
        ({"methods": "rbd"}, "methods='rbd': give a list or a tuple"),
        ({"learning_rates": ("1e-3", 1, 1)}, "learning_rates='1e-3': give a number"),
        ({"backbone": None}, "backbone=None: give a text"),
    ],
)
def test_values_of_another_type_are_refused(changes, message):
    with pytest.raises(InputError) as error:
        Config(**changes)
    assert str(error.value) == message
