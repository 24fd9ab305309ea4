import numpy as np
import pytest

from benchmarks.label_cuts import COLUMNS, score_cuts


def test_a_higher_cut_trades_recall_for_precision():
    maps = np.float32([[[0.9, 0.6], [0.4, 0.1]]])
    masks = np.float32([[[1, 1], [0, 0]]])
    rows = score_cuts(maps=maps, masks=masks, thresholds=[0.3, 0.5, 0.8])
    low, right, high = ([getattr(row, name) for name in COLUMNS] for row in rows)
    # MAE, F with beta^2 = 0.3, precision, recall
    assert low == pytest.approx([1 / 4, 1.3 * (2 / 3) / (0.3 * 2 / 3 + 1), 2 / 3, 1])
    assert right == pytest.approx([0, 1, 1, 1])
    assert high == pytest.approx([1 / 4, 1.3 * (1 / 2) / (0.3 + 1 / 2), 1, 1 / 2])
