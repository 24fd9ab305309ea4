import dataclasses

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.settings.checks import checked
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.setting import declared


def paths(**changes) -> Config:
    return Config(**{"records": "r", "workdir": "w", **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"records": None}, "--mode=train needs --records"),
        ({"images": "a", "sample_size": 30}, "--images and --sample_size contradict"),
        ({"masks": "m"}, "--masks needs --images"),
        ({"test_images": "t"}, "--test_images needs --test_masks"),
        ({"fusion_ring": 0.1}, "--fusion_ring needs --fusion_crops"),
        ({"oracle": "truth", "fusion": "direct"}, "--oracle=truth and --fusion=direct contradict"),
        ({"oracle": "fusion", "fusion": "trimmed_loss"}, "--fusion=trimmed_loss contradict"),
        ({"oracle": "fusion", "images": "i"}, "--oracle=fusion trains on truth: it needs --masks"),
        ({"workdir": "gs://b/run"}, "--workdir=gs://b/run: not on this machine; give a local"),
        (
            {"images": "a", "records": "gs://b/records"},
            "--records=gs://b/records: not on this machine; make them with data_prep.write_records",
        ),
        ({"rounds": 4}, "--learning_rates has 3 values for --rounds=4"),
        ({"frozen_blocks": 2, "pretrained": "none"}, "--frozen_blocks contradicts --pretrained"),
        ({"choices": "c.txt", "refined": "r"}, "--choices and --refined contradict: those labels"),
        ({"mode": "report", "compare": "gs://b/run"}, "--compare=gs://b/run: not on this machine"),
        ({"mode": "predict"}, "--mode=predict needs --model"),
        (
            {"mode": "evaluate", "workdir": None, "images": "i", "masks": "m"},
            "--images needs --output to keep the figures in",
        ),
        ({"mode": "evaluate", "workdir": None}, "needs --workdir, --model or --maps"),
        ({"mode": "evaluate", "masks": "m"}, "--masks needs --images or --maps"),
        ({"mode": "evaluate", "images": "i"}, "--images needs --masks to score by"),
        ({"mode": "evaluate", "maps": "a", "images": "i"}, "--maps and --images contradict"),
        ({"mode": "evaluate", "maps": "a", "masks": "m"}, "--maps and --workdir contradict"),
        (
            {"mode": "evaluate", "maps": "a", "test_images": "t", "test_masks": "m"},
            "--maps and --test_images contradict: give one of them",
        ),
        (
            {"mode": "evaluate", "images": "i", "test_images": "t", "test_masks": "m"},
            r"--images and --test_images contradict: .*--test_images= takes back a flagfile's",
        ),
        (
            {
                "mode": "evaluate",
                "workdir": None,
                "resolution": "network",
                "output": "o",
                "maps": "a",
                "masks": "m",
            },
            "--resolution=network is of a run: give its --workdir",
        ),
        ({"mode": "evaluate", "model": "e"}, "--model needs --images and --masks"),
        (
            {"mode": "evaluate", "workdir": None, "maps": "a", "masks": "m"},
            "--maps needs --output to keep the figures in",
        ),
    ],
)
def test_contradictions_are_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        checked(paths(**changes))
    assert "\n" not in str(caught.value)


def test_labelled_test_photos_are_enough_to_evaluate_on():
    config = checked(paths(mode="evaluate", test_images="t", test_masks="m", holdout=0.2))
    assert config.labelled == ("t", "m")
    assert paths(mode="evaluate", images="i", masks="m").labelled == ("i", "m")


def test_without_a_model_or_a_run_the_starter_model_is_meant():
    for mode, masks in (("predict", None), ("evaluate", "m")):
        config = Config(mode=mode, images="i", masks=masks, output="o")
        assert checked(config) == config


def test_places_that_must_be_local_declare_it():
    local = {field.name for field in dataclasses.fields(Config) if declared(field).local}
    photos = {"images", "masks", "test_images", "test_masks"}
    assert local == photos | {"workdir", "compare", "model", "output", "summary", "choices"}


def test_finished_records_may_lie_elsewhere():
    assert checked(paths(records="gs://b/records")).records == "gs://b/records"


def test_a_config_can_be_made_before_it_is_whole():
    assert checked(paths()) == paths()
    with pytest.raises(InputError, match="--mode=train needs --records"):
        checked(Config())
