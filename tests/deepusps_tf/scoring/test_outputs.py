import numpy as np
import pytest

from deepusps_tf.scoring.figures import Evaluation
from deepusps_tf.scoring.outputs import score_outputs
from tests.deepusps_tf.scoring.made_figures import FOUND, MASK

SUBJECT = Evaluation("discs", "4x4")


def test_scores_each_output_by_both_scorers():
    right, half = score_outputs([({"right": MASK, "half": FOUND}, MASK)] * 3, SUBJECT)
    assert (right.output, half.output) == ("right", "half")
    assert right.subject == half.subject == SUBJECT
    assert (right.scores.count, right.scores.mae, right.scores.f_fixed) == (3, 0, 1)
    assert half.scores.mae == half.field.mae == 0.25
    assert (half.scores.precision, half.scores.recall) == (1, 0.5)
    assert half.scores.f_fixed == pytest.approx(0.8125)
    assert (right.scores.border_recall, right.scores.f_touching) == (1, 1)
    assert half.scores.border_recall == pytest.approx(4 / 6)
    assert half.field.f_adaptive == pytest.approx(half.scores.f_adaptive)


def test_pictures_of_several_sizes_count_the_same():
    small = (np.ones((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32))
    (figures,) = score_outputs([({"map": FOUND}, MASK), ({"map": small[0]}, small[1])], SUBJECT)
    assert figures.scores.mae == 0.25 / 2
    assert figures.scores.border_recall == pytest.approx((4 / 6 + 1) / 2)
    assert figures.scores.f_touching == pytest.approx((0.8125 + 1) / 2)


def test_the_crf_is_behind_the_refined_output_alone():
    subject = Evaluation("discs", "4x4", crf="5 iterations, reach 30")
    both = score_outputs([({"prediction": FOUND, "prediction + CRF": MASK}, MASK)], subject)
    assert [each.subject for each in both] == [SUBJECT, subject]
