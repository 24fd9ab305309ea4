"""The package in Python: what `import deepusps_tf` gives."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import deepusps_tf
from deepusps_tf.networks.saliency_network import build_model
from tests.deepusps_tf.conftest import disc_photo
from tests.deepusps_tf.networks.shallow import LITE

EXAMPLES = Path(__file__).parents[2] / "examples/extend"
TRAIN = """
import deepusps_tf
config = deepusps_tf.Config(
    images="photos", records="records", workdir="run", methods=("rbd",), jobs=2,
    backbone="my_backbone:small", pretrained="none", size=32, rounds=1, epochs=1, fusion_epochs=1,
    learning_rates=(1e-2,), fusion_learning_rate=1e-2, batch_size=4, crf_processes=1,
)
run = deepusps_tf.train(config)
probability = run.model().predict(photo)
print(probability.shape, probability.dtype, run.rows, run.report.is_file(), run.export)
"""
PHOTO = "import numpy as np\nphoto = np.zeros((5, 7, 3), np.uint8)\n"
PRINTED = "(5, 7) float32 () True run/export"


def python(code: str, cwd, **environment: str | None) -> str:
    command = [sys.executable, "-c", code]
    set_ = {**os.environ, **environment}
    env = {name: value for name, value in set_.items() if value is not None}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_importing_the_package_loads_nothing_heavy(tmp_path):
    heavy = "sorted({'tensorflow', 'keras', 'numba', 'cv2'} & set(sys.modules))"
    assert python(f"import sys, deepusps_tf; print({heavy})", tmp_path) == "[]\n"


def test_a_home_that_cannot_be_written_is_passed_over_in_silence(tmp_path):
    (tmp_path / "home").write_text("no folder")
    code = (
        "import os, sys; sys.stderr = sys.stdout\n"
        "import deepusps_tf, deepusps_tf.reporting, matplotlib.figure\n"
        "print(os.environ['KERAS_HOME'], os.path.isdir(matplotlib.get_cachedir()))"
    )
    home = f"{tmp_path}/home"
    unset = {"MPLCONFIGDIR": None, "KERAS_HOME": None}
    assert python(code, tmp_path, HOME=home, **unset) == f"{home}/.keras True\n"
    told = python(code, tmp_path, HOME=home, MPLCONFIGDIR=f"{home}/mine", KERAS_HOME="/keras")
    assert "issue with MPLCONFIGDIR" in told and told.endswith("/keras True\n")


def test_public_names():
    assert set(deepusps_tf.__all__) <= {*vars(deepusps_tf), "Run"}
    assert deepusps_tf.Run.__name__ == "Run"
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        deepusps_tf.fit  # noqa: B018


def test_a_shipped_flagfile_with_changes():
    config = deepusps_tf.read_flagfile("demo.flags", seed=3, workdir="elsewhere")
    assert (config.sample_size, config.seed, config.workdir) == (80, 3, "elsewhere")
    with pytest.raises(deepusps_tf.InputError, match="speed: no such setting"):
        deepusps_tf.read_flagfile("demo.flags", speed=3)
    with pytest.raises(deepusps_tf.InputError, match="--images and --sample_size contradict"):
        deepusps_tf.read_flagfile("demo.flags", images="photos")


def test_training_refuses_what_cannot_work():
    with pytest.raises(deepusps_tf.InputError, match="--mode=train needs --records"):
        deepusps_tf.train(deepusps_tf.Config(workdir="w"))
    config = deepusps_tf.Config(records="r", workdir="w", repeats=2)
    with pytest.raises(deepusps_tf.InputError, match="--repeats: train each by itself"):
        deepusps_tf.train(config)


@pytest.mark.parametrize("first", ["deepusps_tf, keras", "keras, deepusps_tf"])
def test_keras_files_load_once_the_package_is_imported(tmp_path, first):
    network = build_model(backbone=LITE, size=32)
    network.save(tmp_path / "model.keras")
    photos = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    np.save(tmp_path / "photos.npy", photos)
    python(
        f"import {first}, numpy as np\n"
        "model = keras.models.load_model('model.keras')\n"
        "np.save('answer.npy', model.predict_on_batch(np.load('photos.npy')))",
        tmp_path,
    )
    expected = network.predict_on_batch(photos)
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), expected, atol=1e-6)


@pytest.fixture
def photos(tmp_path):
    """A folder with photos and a backbone of the user's own."""
    shutil.copy(EXAMPLES / "my_backbone.py", tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(6):
        pixels = disc_photo(number)[0]
        Image.fromarray(pixels).resize((96, 80)).save(tmp_path / f"photos/p{number}.png")
    return tmp_path


@pytest.mark.slow
def test_a_script_without_a_guard_trains(photos):
    (photos / "script.py").write_text(PHOTO + TRAIN)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=photos, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == PRINTED
