import pytest

from deepusps_tf.serving.export import export_model
from tests.deepusps_tf.conftest import SIDE, tiny_model


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The model folder of a `tiny_model`, which tests leave as it is."""
    folder = tmp_path_factory.mktemp("model")
    network = tiny_model(backbone="", size=SIDE)
    assert export_model(network=network, size=SIDE, folder=folder) == folder / "1"
    return folder
