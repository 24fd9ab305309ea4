from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from deepusps_tf.data.photo_sets import open_photos
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.scoring.scores import score_labels
from deepusps_tf.scoring.stages import kept_rows
from deepusps_tf.training.stage_scorer import StageScorer


@pytest.mark.parametrize("number", [0, 1])
def test_the_chief_alone_scores_maps_and_keeps_the_rows(tiny_config, number):
    workers, photos = Workers(), open_photos(tiny_config.records)
    workers.number = number
    scorer = StageScorer(config=tiny_config, photos=photos, pool=None, workers=workers)
    scorer.score_maps("mc", photos.handcrafted("train", "mc"))
    rows = kept_rows(Path(tiny_config.workdir) / "mc/round0")
    if number:
        assert rows == [] and not Path(tiny_config.workdir).exists()
        return
    assert [(row.name, row.subject.split) for row in rows] == [
        ("mc handcrafted map", "train"),
        ("mc handcrafted map", "test"),
    ]
    for row, images in zip(rows, (photos.train, photos.test), strict=True):
        maps = photos.handcrafted(row.subject.split, "mc")
        assert row.scores == score_labels(images=images, labels=maps, size=32)
    events = EventAccumulator(str(scorer.logs("mc"))).Reload()
    names = ("mae", "f_fixed", "f_adaptive", "precision", "recall")  # no object at the border
    assert set(events.Tags()["tensors"]) == {
        f"{split}/map/{name}" for split in ("train", "test") for name in names
    }
