"""The worked examples of parts of one's own, as they are, from a folder outside the repository."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.methods.names import Method
from data_prep.pictures.images import write_png
from data_prep.records.format import open_labels, open_set
from deepusps_tf.networks.saliency_network import build_model
from tests.deepusps_tf.conftest import disc_photo, label_maps, noisy_map

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/extend"


@pytest.fixture
def examples(tmp_path, monkeypatch):
    for name in ("my_method.py", "my_backbone.py", "my_loss.py", "my_fusion.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
        assert len((EXAMPLES / name).read_text().splitlines()) < 30
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_method_finds_a_rare_colour(examples):
    rgb = np.full((20, 30, 3), 40, np.uint8)
    rgb[5:10, 5:10] = (230, 60, 20)
    saliency = Method("contrast", "my_method:contrast").function(rgb)
    expected = np.zeros((20, 30), np.float32)
    expected[5:10, 5:10] = 1
    assert saliency.dtype == np.float32
    np.testing.assert_array_equal(saliency, expected)
    assert not Method("contrast", "my_method:contrast").function(rgb[:2]).any()


def test_the_backbone_is_of_stride_4(examples):
    model = build_model(backbone="my_backbone:small", size=64)
    assert model.name == "small" and model.output_shape == (None, 64, 64, 1)
    assert model.get_layer("seg").output.shape == (None, 16, 16, 2)
    assert model.get_layer("logits").factor == 4


@pytest.mark.slow
def test_a_run_takes_them_and_a_folder_of_maps_by_flag_alone(examples):
    (examples / "images").mkdir()
    for number in range(8):
        photo, mask = disc_photo(number)
        Image.fromarray(photo).resize((96, 80)).save(examples / f"images/p{number}.png")
        mask = np.kron(mask, np.ones((2, 2), np.uint8))
        write_png(examples / f"masks/p{number}.png", mask)
        if number != 3:
            write_png(examples / f"elsewhere/p{number}.png", noisy_map(number, mask))
    command = [
        *(sys.executable, "-m", "deepusps_tf.main", "--images=images", "--masks=masks"),
        *("--holdout=0.25", "--records=records", "--workdir=run", "--size=32", "--rounds=1"),
        *("--methods=rbd,my_method:contrast,theirs=elsewhere", "--backbone=my_backbone:small"),
        *("--pretrained=none", "--epochs=1", "--fusion_epochs=1", "--batch_size=4"),
        *("--learning_rates=1e-3", "--crf_processes=1", "--jobs=2", "--devices=cpu:1"),
        *("--loss=my_loss:cross_entropy", "--fusion=my_fusion:Median"),
    ]

    def run():
        return subprocess.run(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run()
    assert done.returncode == 0, done.stderr
    assert "left out images/p3.png: elsewhere/p3.png: no map of it for theirs" in done.stdout
    images = open_set("records/train/images")
    for name in ("rbd", "contrast", "theirs"):
        assert open_labels(f"records/train/labels/{name}/round0", images).ids == images.ids
        assert f"\n{name}" in done.stdout
        assert (examples / f"run/{name}/round1").is_dir()
    _check_loss_and_fusion(examples / "run", ("rbd", "contrast", "theirs"))
    again = run()
    assert again.returncode == 0, again.stderr
    assert done.stdout.endswith(again.stdout)


def _check_loss_and_fusion(run, methods):
    settings = (run / "config.flags").read_text()
    assert "--loss=my_loss:cross_entropy\n" in settings
    assert "--fusion=my_fusion:Median\n" in settings
    for name in (*(f"{method}/round1" for method in methods), "fusion"):
        (loss,) = json.loads((run / name / "round.json").read_text())["losses"]
        assert 0.05 < loss < 5 and (run / name / "network.weights.h5").is_file()
    each = np.stack([label_maps(run / method / "round1") for method in methods])
    fused = label_maps(run / "fusion")
    assert fused.shape == each.shape[1:] and fused.std() > 0
    assert np.array_equal(fused, np.median(each, axis=0))
    assert not np.array_equal(fused, np.rint(each.mean(axis=0)))
