"""Whether all of the program is installed, or only what predicting needs."""

import importlib.util

from data_prep.base.errors import InputError, shortened

# Of what requirements.txt names beside requirements-predict.txt, the modules that are imported
# wherever it is not only predicted.
BEYOND_PREDICTING = (
    *("jinja2", "matplotlib", "numba", "py_sod_metrics", "scipy", "skimage", "sklearn"),
    *("tensorboard", "tensorflow_serving", "threadpoolctl"),
)


def check_whole(word: str) -> None:
    """Refuses what needs more than predicting does where that is not installed.

    Args:
        word: what was asked for, such as `train`.

    Raises:
        InputError: naming what is missing.
    """
    missing = [name for name in BEYOND_PREDICTING if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"{word}: this installation can only predict, it lacks {shortened(missing)}; "
            "install the rest: pip install -r requirements.txt"
        )
