import re

import numpy as np
import pytest

from benchmarks.crf_constants import parse_setting, score_settings
from data_prep.base.errors import InputError
from deepusps_tf.labels.crf import RELEASE_SETTINGS, CrfSettings


def test_settings_are_read():
    assert parse_setting("none") is None
    assert parse_setting("release") == RELEASE_SETTINGS
    assert parse_setting("bilateral_sxy=30+iterations=7") == CrfSettings(
        iterations=7, bilateral_sxy=30.0
    )
    off = parse_setting("iterations=0+gaussian_compat=0+bilateral_compat=0")
    assert off == CrfSettings(iterations=0, gaussian_compat=0, bilateral_compat=0)


@pytest.mark.parametrize(
    "text",
    [
        *("reach=3", "__class__=3", "iterations=many", "iterations=2.5", "bilateral_sxy"),
        *("bilateral_sxy=-1", "bilateral_sxy=nan", "bilateral_compat=inf", "iterations=-1"),
        *("gaussian_sxy=0", "bilateral_sxy=0", "bilateral_srgb=0", "iterations=3+bilateral_sxy=0"),
    ],
)
def test_a_setting_that_no_crf_can_have_is_refused_in_one_line(text):
    with pytest.raises(InputError, match=re.escape(f"--settings={text}: write none, rel")) as info:
        parse_setting(text)
    assert "\n" not in str(info.value)


def test_no_crf_scores_the_maps_and_a_crf_mends_them():
    photo = np.full((32, 32, 3), 30, np.uint8)
    photo[8:24, 8:24] = (200, 90, 40)
    mask = (photo[..., 0] > 100).astype(np.float32)
    noisy = np.clip(mask * 0.4 + np.random.default_rng(0).normal(0.35, 0.2, mask.shape), 0, 1)
    plain, refined = score_settings(
        photos=photo[None],
        maps=noisy[None].astype(np.float32),
        masks=mask[None],
        settings=[None, RELEASE_SETTINGS],
    )
    assert plain.mae == pytest.approx(np.abs(noisy - mask).mean(), abs=1e-6)
    assert refined.mae < 0.02 < 0.2 < plain.mae and refined.f_fixed > 0.98
