import numpy as np
import pytest
from py_sod_metrics import MAE, FmeasureHandler, FmeasureV2

from deepusps_tf.scoring.metrics import f_beta, image_scores


def column(values):
    return np.float32(values).reshape(1, -1, 1, 1)


def test_hand_computed_scores():
    scores = image_scores(column([0.9, 0.6, 0.7, 0.1]), column([1, 1, 0, 0]))
    assert float(scores.mae[0]) == pytest.approx((0.1 + 0.4 + 0.7 + 0.1) / 4)
    assert float(scores.precision[0]) == pytest.approx(2 / 3)
    assert float(scores.recall[0]) == 1
    assert float(scores.f_fixed[0]) == pytest.approx(1.3 * (2 / 3) / (0.3 * 2 / 3 + 1))
    # Twice the mean is 1.15, cut down to 1: nothing is foreground, precision 1, recall 0.
    assert float(scores.f_adaptive[0]) == 0


def test_the_border_is_scored_where_the_map_is_above_one_half():
    mask = np.zeros((2, 4, 4, 1), np.float32)
    mask[0, :2], mask[1, 1:3, 1:3] = 1, 1  # the second inside
    scores = image_scores(np.where(np.arange(4) < 3, 0.6, 0.5)[:, None] * mask, mask)
    assert np.asarray(scores.touches).tolist() == [True, False]
    # Of the outermost pixels of two rows, 6, the last column has 2.
    assert float(scores.border_recall[0]) == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("foreground", "mask", "expected"),
    [
        ([0, 0], [0, 0], (1, 1, 1)),
        ([0, 0], [1, 0], (1, 0, 0)),
        ([1, 0], [0, 0], (0, 1, 0)),
        ([1, 0], [0, 1], (0, 0, 0)),
    ],
)
def test_empty_predictions_and_truths(foreground, mask, expected):
    values = [float(value[0]) for value in f_beta(column(foreground), column(mask))]
    assert values == pytest.approx(expected)


def test_agrees_with_the_fields_own_scorer():
    random = np.random.default_rng(3)
    masks = (random.random((4, 20, 30)) > 0.7).astype(np.uint8) * 255
    maps = np.clip(masks * 0.6 + random.integers(0, 100, masks.shape), 0, 255).astype(np.uint8)
    maps[:, 0, 0], maps[:, 0, 1] = 0, 255  # that scorer stretches maps to 0..255
    handler = FmeasureHandler(with_dynamic=False, with_adaptive=True, beta=0.3)
    theirs_f, theirs_mae = FmeasureV2(metric_handlers={"f": handler}), MAE()
    for saliency, mask in zip(maps, masks, strict=True):
        theirs_f.step(pred=saliency, gt=mask)
        theirs_mae.step(pred=saliency, gt=mask)
    ours = image_scores(np.float32(maps)[..., None] / 255, np.float32(masks)[..., None] / 255)
    assert float(np.mean(ours.f_adaptive)) == pytest.approx(
        theirs_f.get_results()["f"]["adaptive"], abs=1e-5
    )
    assert float(np.mean(ours.mae)) == pytest.approx(theirs_mae.get_results()["mae"], abs=1e-6)
