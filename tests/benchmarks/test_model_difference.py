import numpy as np
import pytest

from benchmarks.model_difference import differences


def test_differences_are_those_of_probabilities_and_masks():
    same = np.full((2, 2), 0.3, np.float32)
    first = np.array([[0.4, 0.6], [0.9, 0.1]], np.float32)
    second = np.array([[0.6, 0.6], [0.9, 0.2]], np.float32)
    assert differences([(same, same), (first, second)]) == pytest.approx(
        {
            "mean difference": (0.2 + 0.1) / 4 / 2,
            "largest difference": 0.2,
            "% of mask pixels": 25 / 2,
            "% in the worst photo": 25,
        },
        rel=1e-5,
    )
