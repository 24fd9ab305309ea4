import dataclasses
from pathlib import Path

import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.data.batches import label_mask_batches
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.fusion.oracle import check_oracle, nearest_to_truth
from deepusps_tf.reporting.report import write_report
from deepusps_tf.settings.flagfile import flagfile_text
from deepusps_tf.training.schedule import run_rounds
from tests.deepusps_tf.conftest import write_disc_records
from tests.deepusps_tf.fusion.fusing import learned, maps_of


def test_nearest_to_truth_by_hand():
    labels = np.float32([[[[0.2, 0.7], [0.1, 0.4]]]])
    masks = np.float32([[[[1.0], [0.0]]]])
    assert nearest_to_truth(labels, masks) == pytest.approx(np.float32([[[0.7, 0.1]]]))


@pytest.mark.parametrize("oracle", ["truth", "fusion"])
def test_oracle_labels_are_what_they_say(tiny_config, oracle):
    config = dataclasses.replace(tiny_config, oracle=oracle)
    photos = open_photos(config.records)
    every = [*maps_of(config), learned(config).written]
    labels, masks = next(
        iter(label_mask_batches(images=photos.train, labels=every, size=config.size))
    )
    given, written = labels.numpy()[..., :2], labels.numpy()[..., 2]
    truth = masks.numpy()
    expected = truth[..., 0] if oracle == "truth" else nearest_to_truth(given, truth)
    assert 0 < truth.mean() < 1
    assert np.abs(written - expected).max() < 1e-6


@pytest.mark.parametrize("oracle", ["truth", "fusion"])
def test_runs_without_masks_are_refused_before_training(tiny_config, tmp_path, oracle):
    write_disc_records(tmp_path / "bare/train", count=6, masks=False)
    config = dataclasses.replace(tiny_config, records=str(tmp_path / "bare"), oracle=oracle)
    with pytest.raises(InputError, match=f"holds no truth masks, which --oracle={oracle}") as error:
        run_rounds(config, make_strategy("cpu:1"))
    assert "\n" not in str(error.value)
    assert not Path(config.workdir).exists()


def test_other_runs_need_no_masks_and_say_nothing(tiny_config, tmp_path, caplog):
    write_disc_records(tmp_path / "bare/train", count=6, masks=False)
    check_oracle(tiny_config, open_photos(str(tmp_path / "bare")))
    assert not caplog.records and not tiny_config.truth_notice


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network")
def test_training_on_truth_says_so_everywhere(tiny_config, tmp_path, caplog):
    config = dataclasses.replace(tiny_config, oracle="truth", crf=False)
    rows = run_rounds(config, make_strategy("cpu:1"))
    assert [(row.name, row.subject.split) for row in rows if row.subject.method == "fusion"] == [
        ("fusion labels", "train"),
        ("fusion prediction", "train"),
        ("fusion prediction", "test"),
    ]
    labels = next(row for row in rows if row.output == "labels")
    assert labels.scores.mae == 0 and labels.scores.f_fixed == pytest.approx(1)
    assert not (tmp_path / "run/rbd/round1").exists()
    notice = "ORACLE RUN, --oracle=truth: TRAINED WITH THE TRUTH MASKS"
    assert notice in caplog.text
    page = write_report(config, rows).read_text()
    assert notice in page and "without labels" not in page
    assert "--oracle=truth\n" in flagfile_text(config)
