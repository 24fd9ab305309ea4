import dataclasses

from deepusps_tf.runs.round_result import RoundFigures
from deepusps_tf.scoring.figures import Figures, RunStage
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.training.round_line import round_figures, round_line

SCORES = Scores(4, mae=0.091, f_fixed=0.782, f_adaptive=0.5, precision=0.9, recall=0.6)
TRAINED = RoundFigures((0.6, 0.4121), 0.0834, 0.2134, (0.3,))


def row(output, split, **changes):
    scores = dataclasses.replace(SCORES, **changes)
    return Figures(RunStage("mc", 1, split), output, scores)


def test_a_round_is_told_with_its_figures():
    rows = [row("labels", "train"), row("prediction", "train"), row("prediction", "test", mae=1)]
    rows.append(row("prediction + CRF", "test"))
    figures = round_figures(TRAINED, rows, "test")
    assert figures == {
        "loss": 0.4121,
        "coverage": 0.2134,
        "change": 0.0834,
        "F": 0.782,
        "MAE": 0.091,
        "photos": "held-out photos",
    }
    assert round_line("round 1 of mc", figures) == (
        "round 1 of mc: loss 0.412, coverage 21.3%, labels changed by 0.083, F 78.2%, MAE 9.1% on "
        "held-out photos"
    )


def test_what_there_is_not_is_left_out():
    figures = round_figures(RoundFigures((0.5,), None), [row("prediction", "train")], "train")
    line = "fusion: loss 0.500, F 78.2%, MAE 9.1% on training photos"
    assert round_line("fusion", figures) == line
    bare = round_figures(TRAINED, [], "train")
    assert round_line("joint round 1", bare).endswith("coverage 21.3%, labels changed by 0.083")
