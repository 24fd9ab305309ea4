import keras
import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.serving.file_metadata import put_into_file
from deepusps_tf.serving.portable import write_portable
from deepusps_tf.serving.saliency_model import load_model, wrap_network
from tests.deepusps_tf.conftest import SIDE, disc_photo, tiny_model
from tests.deepusps_tf.serving.described import FACTS


@pytest.mark.parametrize("form", ["keras", "keras_half"])
def test_it_predicts_as_its_network_with_the_crf_that_it_tells_of(tmp_path, form):
    network = tiny_model(backbone="", size=SIDE)
    path = write_portable(network=network, size=SIDE, folder=tmp_path, form=form, facts=FACTS)
    model, own = load_model(path), wrap_network(network, SIDE)
    assert model.facts.trained_on == FACTS.trained_on and model.crf == FACTS.crf
    assert model.name == str(path) and len(model.fingerprint) == 64
    own.crf = model.crf = None
    photo = disc_photo(0)[0]
    bound = 0 if form == "keras" else 2e-3
    np.testing.assert_allclose(model.predict(photo), own.predict(photo), rtol=0, atol=bound)


def test_what_is_no_file_of_this_program_is_named(tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(InputError, match="model.keras: no such file"):
        load_model(path)
    path.write_bytes(b"cut")
    with pytest.raises(InputError, match="model.keras: cannot be loaded .*; write it again"):
        load_model(path)
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()]).save(path)
    with pytest.raises(InputError, match="model.keras: not a network of square photos"):
        load_model(path)
    tiny_model(backbone="", size=SIDE).save(path)
    put_into_file(path, "keras", '{"crf": {"iterations": -1}}')
    with pytest.raises(InputError, match="model.keras: damaged; write it again"):
        load_model(path)
