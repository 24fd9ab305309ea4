import numpy as np
import pytest

from deepusps_tf.scoring.field_scores import FieldScorer
from deepusps_tf.scoring.scores import score_maps


def field_scores(*pairs):
    scorer = FieldScorer()
    for saliency, mask in pairs:
        scorer.add(np.float32(saliency), np.float32(mask))
    return scorer.scores()


def rows(*values):
    """A 4x4 picture of four even rows."""
    return np.repeat(np.float32(values)[:, None], 4, axis=1)


def test_hand_computed_scores():
    # Half of the truth is found and nothing else: precision 1, recall 1/2.
    scores = field_scores((rows(1, 0, 0, 0), rows(1, 1, 0, 0)))
    f = 1.3 * 0.5 / (0.3 + 0.5)
    everything = 1.3 * 0.5 / (0.3 * 0.5 + 1)  # at threshold 0 all is foreground
    assert scores.mae == pytest.approx(0.25)
    assert scores.f_max == pytest.approx(f)
    assert scores.f_adaptive == pytest.approx(f)
    assert scores.f_mean == pytest.approx((255 * f + everything) / 256)
    # Alignments 2ab/(a^2 + b^2) of the two less their means, 1/4 and 1/2; E of (x + 1)^2 / 4.
    hit, miss, rest = 0.75 / 0.8125, -0.25 / 0.3125, 0.25 / 0.3125
    each = [4 * (hit + 1) ** 2, 4 * (miss + 1) ** 2, 8 * (rest + 1) ** 2]
    assert scores.e_adaptive == pytest.approx(sum(each) / 4 / 15)


def test_a_right_map_is_perfect():
    random = np.random.default_rng(0)
    masks = (random.random((3, 24, 30)) > 0.6).astype(np.float32)
    scores = field_scores(*zip(masks, masks, strict=True))
    assert scores.mae == 0
    assert (scores.f_max, scores.f_adaptive) == (1, 1)
    assert scores.s_measure == pytest.approx(1)
    assert scores.f_weighted == pytest.approx(1)
    assert scores.e_adaptive == pytest.approx(720 / 719)  # that scorer divides by pixels - 1


def test_agrees_with_ours_on_maps_that_reach_0_and_1():
    random = np.random.default_rng(1)
    masks = (random.random((4, 20, 30)) > 0.7).astype(np.float32)
    maps = np.rint(255 * np.clip(0.6 * masks + 0.4 * random.random(masks.shape), 0, 1)) / 255
    maps = np.float32(maps)
    maps[:, 0, 0], maps[:, 0, 1] = 0, 1
    theirs, ours = field_scores(*zip(maps, masks, strict=True)), score_maps([(maps, masks)])
    assert theirs.mae == pytest.approx(ours.mae, abs=1e-6)
    assert theirs.f_adaptive == pytest.approx(ours.f_adaptive, abs=1e-5)
    assert theirs.f_max >= ours.f_fixed - 1e-6  # 0.5 is one of its thresholds


def test_stretches_maps_where_ours_takes_them_as_they_are():
    saliency, mask = rows(0.6, 0.2, 0.2, 0.2), rows(1, 0, 0, 0)
    assert field_scores((saliency, mask)).mae == 0
    assert score_maps([(saliency[None], mask[None])]).mae == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("saliency", "mask"),
    [
        (rows(0, 0, 0, 0), rows(0, 0, 0, 0)),
        (rows(1, 0, 0, 0), rows(0, 0, 0, 0)),
        (rows(0, 0, 0, 0), rows(1, 1, 1, 1)),
        (rows(0, 0, 0, 1), rows(0, 0, 0, 1)),  # an object in the last row leaves quadrants empty
    ],
)
def test_empty_and_full_pictures_have_finite_scores(saliency, mask):
    scores = field_scores((saliency, mask))
    assert np.isfinite(list(vars(scores).values())).all()
