import dataclasses
from pathlib import Path

import numpy as np
import pytest

from deepusps_tf.reporting.findings import Finding
from deepusps_tf.reporting.label_agreement import Agreement
from deepusps_tf.reporting.label_history import LabelHistory
from deepusps_tf.reporting.verdict import (
    telling_figures,
    verdict_by_masks,
    verdict_without_masks,
)
from deepusps_tf.runs.round_result import RoundFigures
from deepusps_tf.scoring.figures import Evaluation, FieldScores, Figures, RunStage
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.scoring.store import keep_evaluation


def scores(f, count=100):
    return Scores(count, 0.0625, f, f, 0.91, 0.875)


def stage(method, number, split, output, f, count=100):
    return Figures(RunStage(method, number, split), output, scores(f, count))


MAP = stage("dsr", 0, "test", "map", 0.7)
PLAIN = stage("fusion", 1, "test", "prediction", 0.86)
REFINED = stage("fusion", 1, "test", "prediction + CRF", 0.875)
SEEN = stage("fusion", 1, "train", "prediction", 0.9, count=1000)


def judged(config, rows, found=(), errors=None, oracle=False):
    figures = telling_figures(config, rows)
    return verdict_by_masks(figures, errors=errors or {}, found=found, oracle=oracle)


def test_photos_that_were_not_trained_on_count_then_their_number(tiny_config):
    config = dataclasses.replace(tiny_config, images="/data/msra", test_images="/data/ECSSD/images")
    assert telling_figures(config, []) is None
    assert telling_figures(config, [MAP]) is None
    chosen = telling_figures(config, [MAP, SEEN, PLAIN, REFINED])
    assert (chosen.figures.test_set, chosen.figures.output) == ("ECSSD", "prediction + CRF")
    assert chosen.best_map == MAP and chosen.unseen
    chosen = telling_figures(config, [MAP, SEEN])
    assert chosen.figures.test_set == "msra (training photos)" and not chosen.unseen
    evaluated = Evaluation("DUTS", "their own size", "this run on /data/DUTS")
    field = FieldScores(*[0.5] * 9)
    keep_evaluation(
        Path(config.workdir), [Figures(evaluated, "prediction", scores(0.8, 900), field)]
    )
    chosen = telling_figures(config, [MAP, SEEN, REFINED])
    assert (chosen.figures.test_set, chosen.best_map) == ("DUTS", None)


def test_a_verdict_by_masks_says_the_shares_the_photos_and_the_gain(tiny_config):
    config = dataclasses.replace(tiny_config, test_images="/data/ECSSD")
    errors = {str(n): n / 1000 for n in range(101)}
    verdict = judged(config, [MAP, REFINED], errors=errors)
    assert (verdict.grade, verdict.sentence) == (
        "good",
        "Good: of what the model marks 91% is object, and of the object it finds 88%, on the 100 "
        "photos of ECSSD, which it was not trained on.",
    )
    first, gain, spread, last = verdict.points
    assert first.startswith("F 87.5% and MAE 6.2%.")
    assert "DSR's, have F 70.0% on the same photos: training added 17.5 points." in gain
    assert spread == "Half of the photos have an MAE below 5.0%, the worst tenth one above 9.0%."
    assert "there is none" in last


@pytest.mark.parametrize(
    ("f", "best", "grade", "begins"),
    [
        (0.85, 0.7, "good", "Good: "),
        (0.84, 0.7, "fair", "Fair: "),
        (0.69, 0.5, "poor", "Poor: "),
        (0.9, 0.95, "poor", "No better than the maps it learned from: "),
    ],
)
def test_grades(tiny_config, f, best, grade, begins):
    rows = [
        stage("rbd", 0, "test", "map", best),
        stage("mc", 0, "test", "map", best - 0.1),
        stage("fusion", 1, "test", "prediction", f, count=16),
    ]
    verdict = judged(tiny_config, rows, [Finding("mc, round 1", "It swings.")])
    assert verdict.grade == grade and verdict.sentence.startswith(begins)
    assert verdict.points[-2:] == (
        "16 photos are few: others may differ by several points.",
        "Looks wrong: mc, round 1. See below.",
    )


def test_training_photos_are_called_so(tiny_config):
    assert judged(tiny_config, [SEEN]).sentence.endswith(
        "records (training photos), which it was trained on, though not on the masks."
    )
    assert judged(tiny_config, [SEEN], oracle=True).sentence.endswith("masks included.")


def history(method, *rounds):
    figures = (RoundFigures((0.5,), *each) for each in rounds)
    return LabelHistory(method, (), tuple((None, each) for each in figures))


def test_without_masks_nothing_is_said_of_how_good_it_is():
    histories = [
        history("rbd", (0.2, 0.25, (0.2,)), (0.1, 0.3, (0.25,))),
        history("mc", (0.1, 0.2, (0.1,)), (0.06, 0.2, (0.2,))),
        history("joint", (0.5, 0.9, (0.1, 0.2))),
    ]
    overlap = np.ones((4, 2, 2))
    overlap[:, 0, 1] = overlap[:, 1, 0] = [0.2, 0.8, 0.9, 0.9]
    agreed = Agreement(("rbd", "mc"), overlap, np.zeros((4, 2)))
    verdict = verdict_without_masks(histories=histories, agreement=agreed, found=[])
    assert verdict.grade == "unknown"
    assert verdict.sentence.startswith("Nothing looks wrong, but no photo of this run has a mask")
    moved, covered, shared, _ = verdict.points
    assert "15.0% of the way" in moved and "the last by 8.0%: they settle." in moved
    assert "call 25.0% of the photos object" in covered and "began from 15.0%" in covered
    assert "of rbd and mc" in shared and "both do on 70%. On 1 of 4 photos" in shared


def test_without_masks_what_looks_wrong_comes_first():
    found = [Finding("mc, round 1", "It swings."), Finding("masks", "They are empty.")]
    verdict = verdict_without_masks(
        histories=[history("rbd", (0.1, 0.2, (0.1,)))], agreement=None, found=found
    )
    assert verdict.grade == "doubtful"
    assert verdict.sentence.startswith("Look before you use it: 2 things look wrong")
    assert "one round cannot show" in verdict.points[0]
    assert verdict.points[-1] == "Looks wrong: mc, round 1; masks. See below."
    alone = verdict_without_masks(histories=[], agreement=None, found=found[:1])
    assert "one thing looks wrong" in alone.sentence and len(alone.points) == 1
