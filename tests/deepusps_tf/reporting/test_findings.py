from pathlib import Path

import numpy as np
import pytest

from deepusps_tf.reporting.findings import findings
from deepusps_tf.reporting.label_agreement import Agreement
from deepusps_tf.reporting.label_history import LabelHistory
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, write_result
from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import Scores

HALF = np.array([[True, False]])


def agreed(overlap, coverage, names=("rbd", "mc")):
    """Label sets of which each two overlap by so much on every photo."""
    pairs = np.full((len(coverage), len(names), len(names)), overlap)
    pairs[:, range(len(names)), range(len(names))] = 1
    return Agreement(names, pairs, np.asarray(coverage))


def found(histories=(), agreement=None, losses=(0.5, 0.4), masks=(HALF,) * 12, rows=()):
    made = findings(
        histories=histories,
        agreement=agreement,
        fusion=RoundFigures(losses, None),
        masks=masks,
        rows=rows,
        collapse_warning=0.5,
    )
    return [(each.where, each.text) for each in made]


def history(workdir, method, *figures):
    """The rounds of a method as a run leaves them."""
    rounds = []
    for number, made in enumerate(figures, 1):
        folder = Path(workdir) / method / f"round{number}"
        folder.mkdir(parents=True)
        write_result(RoundResult(folder, None, made))
        rounds.append((folder, made))
    return LabelHistory(method, (), tuple(rounds))


def test_nothing_is_found_where_nothing_is_wrong(tmp_path):
    fine = [RoundFigures((0.5,), 0.1, 0.2, (0.18,)), RoundFigures((0.5,), 0.05, 0.22, (0.2,))]
    histories = [history(tmp_path, method, *fine) for method in ("rbd", "mc")]
    assert found(histories, agreed(0.8, [[0.2, 0.2], [0, 0.3]])) == []
    assert found(masks=[HALF] * 9 + [~HALF & HALF]) == []  # one empty mask of ten
    assert found(losses=()) == found(losses=(0.5,)) == []


def test_the_warnings_of_the_log_are_told_again(tmp_path):
    grown = RoundFigures((0.5,), 0.1, 0.55, (0.18,))
    swung = RoundFigures((0.5,), 0.3, 0.56, (0.55,))
    told = found([history(tmp_path, "rbd", grown, swung)])
    assert [where for where, _ in told] == ["rbd, round 1", "rbd, round 2", "rbd, round 2"]
    assert told[0][1].startswith("THE LABELS GREW OUT OF PROPORTION: they cover 55.0%")
    assert told[2][1].startswith("THE LABELS SWING: this round changed them by 0.300")


@pytest.mark.parametrize("coverage", [0.01, 0.7])
def test_labels_of_hardly_anything_or_nearly_all_are_found(tmp_path, coverage):
    made = RoundFigures((0.5,), 0.1, coverage, (coverage,))
    ((where, said),) = found([history(tmp_path, "joint", made)])
    assert where == "joint" and f"cover {coverage:.0%} of the photos" in said


def test_collapsed_labels_are_counted():
    told = found(agreement=agreed(0.9, [[0, 0.2], [1, 0.2], [0, 0.2], [0.5, 0.2]]))
    assert [where for where, _ in told] == ["rbd"]
    assert "Of its 4 labels 2 are empty and 1 full" in told[0][1]


def test_a_method_that_stands_apart_is_named():
    three = agreed(0.8, [[0.2] * 3], ("rbd", "mc", "hs"))
    three.overlap[:, 2, :2] = three.overlap[:, :2, 2] = 0.3
    ((where, said),) = found(agreement=three)
    assert where == "hs" and "by 30% only" in said
    ((where, _),) = found(agreement=agreed(0.4, [[0.2, 0.2]]))
    assert where == "rbd and mc"


def test_a_loss_that_does_not_fall_and_odd_masks_are_found():
    ((where, said),) = found(losses=(0.4, 0.3, 0.45))
    assert where == "final network" and "0.400 in the first epoch, 0.450 in the last" in said
    odd = [np.zeros((2, 2), bool), np.ones((2, 2), bool), *[HALF] * 8]
    ((where, said),) = found(masks=odd)
    assert where == "masks" and "Of 10 random masks 1 are empty and 1 cover more" in said


def test_an_earlier_network_that_scores_better_is_named():
    def row(method, f, split="test", output="prediction + CRF"):
        return Figures(RunStage(method, 1, split), output, Scores(500, 0.1, f, 0.99, 0.9, 0.9))

    final = row("fusion", 0.86)
    assert found(rows=[row("joint", 0.869), final]) == []
    assert found(rows=[row("joint", 0.99, "train"), row("rbd", 0.99, output="map"), final]) == []
    assert found(rows=[row("joint", 0.99)]) == []
    ((where, said),) = found(rows=[row("rbd", 0.8), row("joint", 0.875), final])
    assert where == "final network"
    assert "F 86.0% on 500 held-out photos, and joint round 1 prediction + CRF" in said
    assert "an earlier stage, 87.5%" in said
