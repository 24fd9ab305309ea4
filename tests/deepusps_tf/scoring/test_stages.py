import dataclasses
import shutil

import pytest

from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.scoring.store import scored
from tests.deepusps_tf.scoring import old_files

SCORES = Scores(7, 0.1234, 0.8, 0.7, 0.9, 0.65)
ROWS = [
    Figures(RunStage("rbd", 0, "test"), "map", SCORES),
    Figures(RunStage("rbd", 1, "train"), "labels", SCORES),
    Figures(RunStage("fusion", 1, "test"), "prediction + CRF", SCORES),
]


def test_collects_in_the_order_of_the_schedule(tiny_config, tmp_path):
    for folder, row in (("fusion", ROWS[2]), ("rbd/round1", ROWS[1]), ("rbd/round0", ROWS[0])):
        scored(tmp_path / "run" / folder, lambda row=row: [row])
    assert collect_rows(tiny_config) == ROWS


def test_stages_of_older_and_of_this_version_are_collected_alike(tiny_config, tmp_path):
    folder = tmp_path / "run/rbd/round0"
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(old_files.STAGES)
    scored(tmp_path / "run/fusion", lambda: [ROWS[2]])
    old = [ROWS[0], ROWS[1], collect_rows(tiny_config)[2]]
    assert old[2].subject == ROWS[2].subject and old[2].scores.recall == 0.5
    assert collect_rows(tiny_config) == [*old, ROWS[2]]


def test_rounds_of_the_run_whose_labels_were_taken_are_collected(tiny_config, tmp_path):
    def keep(run, folder, *rows):
        scored(tmp_path / run / folder, lambda: list(rows))

    def row(stage, output, split, count=7, mae=0.1234):
        scores = dataclasses.replace(SCORES, count=count, mae=mae)
        return Figures(RunStage("rbd", stage, split), output, scores)

    maps = [row(0, "map", "test"), row(0, "map", "train", mae=0.2)]
    keep("run", "rbd/round0", *maps)
    keep("run", "fusion", ROWS[2])
    # Its training photos are the same, on any device; its test photos are not.
    keep(
        "other",
        "rbd/round0",
        row(0, "map", "test", mae=0.13),
        row(0, "map", "train", mae=0.2000001),
    )
    rounds = [row(number, "labels", "train", mae=0.3) for number in (1, 2, 3)]
    for labels in rounds:
        keep(
            "other",
            f"rbd/round{labels.subject.stage}",
            labels,
            row(labels.subject.stage, "prediction", "test"),
        )
    config = dataclasses.replace(tiny_config, methods=("rbd",), refined=str(tmp_path / "other"))
    assert config.rounds == 2
    assert collect_rows(config) == [*maps, *rounds[:2], ROWS[2]]
    shutil.rmtree(config.refined)
    assert collect_rows(config) == [*maps, ROWS[2]]


@pytest.mark.parametrize("mae, count", [(0.1234, 6), (0.1235, 7)])
def test_rounds_scored_on_other_photos_are_not_collected(tiny_config, tmp_path, mae, count):
    other = dataclasses.replace(ROWS[0], scores=dataclasses.replace(SCORES, mae=mae, count=count))
    for folder, row in (
        ("run/rbd/round0", ROWS[0]),
        ("other/rbd/round0", other),
        ("other/rbd/round1", dataclasses.replace(ROWS[1], subject=RunStage("rbd", 1, "test"))),
    ):
        scored(tmp_path / folder, lambda row=row: [row])
    config = dataclasses.replace(tiny_config, refined=str(tmp_path / "other"))
    assert collect_rows(config) == [ROWS[0]]
