import dataclasses
from pathlib import Path

import numpy as np
import pytest

from data_prep.base.errors import InputError
from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.fusion.base import FusedLabels, make_fusion
from deepusps_tf.fusion.mean_loss import MeanLoss
from deepusps_tf.fusion.weighted import Weighted
from deepusps_tf.scoring.stages import collect_rows
from tests.deepusps_tf.conftest import write_disc_records
from tests.deepusps_tf.fusion.fusing import fuse, learned


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network")
def test_fused_labels_are_written_once_and_scored(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="weighted")
    task = learned(config)
    assert task.labels == (task.written,) and task.threshold == 0.5
    assert task.written.stem == str(tmp_path / "run/fusion/labels")
    assert task.written.ids == open_photos(config.records).train.ids
    monkeypatch.setattr(Weighted, "maps", lambda *_: 1 / 0)
    assert learned(config) == task
    fuse(config)
    rows = [(row.name, row.subject.split) for row in collect_rows(config)]
    assert rows == [
        ("fusion labels", "train"),
        ("fusion prediction", "train"),
        ("fusion prediction", "test"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("fusion", ["weighted", "assessment"])
def test_truth_masks_do_not_reach_fused_labels(tiny_config, tmp_path, fusion):
    shards = []
    for name, masks in (("with", True), ("without", False)):
        records = tmp_path / name
        write_disc_records(records / "train", count=6, masks=masks)
        assert open_photos(str(records)).train.manifest.has_masks == masks
        config = dataclasses.replace(
            tiny_config,
            records=str(records),
            workdir=f"{records}/run",
            fusion=fusion,
            assessment_epochs=1,
        )
        (shard,) = learned(config).written.shards
        shards.append(Path(shard).read_bytes())
    assert shards[0] == shards[1]


def test_stopped_writing_of_fused_labels_starts_again(tiny_config, tmp_path, monkeypatch):
    config = dataclasses.replace(tiny_config, fusion="weighted")
    whole = learned(config).written
    config = dataclasses.replace(config, workdir=str(tmp_path / "stopped"))
    with monkeypatch.context() as patch:
        made = iter([np.zeros((32, 32), np.float32)] * 3)
        patch.setattr("deepusps_tf.fusion.weighted.weighted_average", lambda *_: next(made))
        with pytest.raises(RuntimeError, match="StopIteration"):
            learned(config)
    again = learned(config).written
    for one, other in zip(whole.shards, again.shards, strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"refined": "r", "fusion": "direct"},
            "--refined contradicts --fusion=direct and --oracle=truth: they take no refined labels",
        ),
        (
            {"refined": "r", "oracle": "truth"},
            "--refined contradicts --fusion=direct and --oracle=truth: they take no refined labels",
        ),
        (
            {"fusion": "weighted", "methods": ("mc",)},
            "--fusion=weighted compares methods: name two --methods or more",
        ),
        (
            {"fusion": "assessment", "methods": ("mc",)},
            "--fusion=assessment compares methods: name two --methods or more",
        ),
        (
            {"fusion": "pathlib:Path"},
            "--fusion=pathlib:Path: not a subclass of deepusps_tf.fusion.base.Fusion",
        ),
    ],
)
def test_fusions_refuse_what_they_cannot_work_with(tiny_config, changes, message):
    with pytest.raises(InputError) as caught:
        make_fusion(dataclasses.replace(tiny_config, **changes))
    assert str(caught.value) == message


class Silent(FusedLabels):
    """Does not say what its labels are."""


def test_a_fusion_without_labels_is_refused_before_any_round(tiny_config):
    message = r"test_base:Silent: does not say what its labels are; give it a method maps\("
    with pytest.raises(InputError, match=message):
        make_fusion(dataclasses.replace(tiny_config, fusion=f"{__name__}:Silent"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [(3, "gave 3 labels of 10 photos"), (11, "gave more labels than 10 photos")],
)
def test_a_fusion_gives_a_label_for_each_photo(tiny_config, monkeypatch, labels, message):
    monkeypatch.setattr(Weighted, "maps", lambda *_: iter([np.zeros((32, 32))] * labels))
    with pytest.raises(InputError, match=f"--fusion=weighted: its maps {message}"):
        learned(dataclasses.replace(tiny_config, fusion="weighted"))


def test_unknown_fusion_names_those_there_are(tiny_config):
    message = "--fusion=sum: unknown; choose from mean_loss, trimmed_loss, direct, weighted"
    with pytest.raises(InputError, match=message):
        make_fusion(dataclasses.replace(tiny_config, fusion="sum"))


def test_an_oracle_takes_the_place_of_the_fusion(tiny_config):
    made = make_fusion(dataclasses.replace(tiny_config, oracle="truth"))
    assert (type(made).__name__, made.refines) == ("Truth", False)
    assert isinstance(make_fusion(tiny_config), MeanLoss) and MeanLoss.refines


@pytest.mark.parametrize("bad", [np.full((32, 32), 1.1), np.full((32, 32), np.nan), np.ones(32)])
def test_what_is_no_label_is_refused_with_its_photo(tiny_config, monkeypatch, bad):
    monkeypatch.setattr(Weighted, "maps", lambda *_: iter([np.zeros((32, 32)), bad]))
    config = dataclasses.replace(tiny_config, fusion="weighted")
    message = r"--fusion=weighted: its label of photo001 is not \[32, 32\] in 0 to 1"
    with pytest.raises(InputError, match=message):
        learned(config)
