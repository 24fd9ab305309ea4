import pytest

from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.serving.model_facts import ModelFacts
from deepusps_tf.serving.refinement import (
    crf_by_argument,
    crf_by_flags,
    start_pool,
)
from deepusps_tf.settings.config import Config

OWN = CrfSettings(iterations=3, bilateral_sxy=30.0, bilateral_srgb=9.0)
KNOWN = ModelFacts(refined=True, crf=OWN)
PLAIN = ModelFacts(refined=False)
WORDS = "a CRF of 3 iterations, reach 30"
LACK = "m: has no model.json, as older exports: its CRF, photos and figures are not known"
MEND = "(--mode=export writes it anew)"


def given(**flags) -> Config:
    """The settings of flags, which may be the defaults."""
    return Config(**flags, given=frozenset(flags))


@pytest.mark.parametrize(
    ("config", "facts", "chosen", "line"),
    [
        (Config(), KNOWN, OWN, ""),
        (Config(), PLAIN, None, ""),
        (given(crf=True, crf_iterations=3), KNOWN, OWN, ""),
        (given(crf_bilateral_sxy=30.0), KNOWN, OWN, ""),
        (given(crf=False), PLAIN, None, ""),
        (given(crf=False), KNOWN, None, f"m: flags choose no CRF; its own would be {WORDS}"),
        (
            given(crf_bilateral_sxy=80.0),  # the default, but given
            KNOWN,
            CrfSettings(iterations=3, bilateral_sxy=80.0, bilateral_srgb=9.0),
            f"m: flags choose a CRF of 3 iterations, reach 80; its own would be {WORDS}",
        ),
        (
            given(crf_iterations=2),
            PLAIN,
            CrfSettings(iterations=2),
            "m: flags choose a CRF of 2 iterations, reach 80; its own would be no CRF",
        ),
        (
            given(crf=True),
            PLAIN,
            CrfSettings(),
            "m: flags choose a CRF of 5 iterations, reach 80; its own would be no CRF",
        ),
        (
            Config(),
            None,
            CrfSettings(),
            f"{LACK} {MEND}; settings choose a CRF of 5 iterations, reach 80",
        ),
        (given(crf=False), None, None, f"{LACK} {MEND}; settings choose no CRF"),
        (
            Config(crf=False),
            ModelFacts(format=0, size=32),
            None,
            f"m: its CRF is not known {MEND}; settings choose no CRF",
        ),
    ],
)
def test_flags_override_a_models_own_crf_and_one_line_says_so(config, facts, chosen, line, capsys):
    assert crf_by_flags(config, facts, "m") == chosen
    assert capsys.readouterr().err.splitlines() == ([line] if line else [])


@pytest.mark.parametrize(
    ("crf", "facts", "chosen", "line"),
    [
        (None, KNOWN, OWN, ""),
        (True, KNOWN, OWN, ""),
        (OWN, KNOWN, OWN, ""),
        (None, PLAIN, None, ""),
        (False, KNOWN, None, f"m: the caller chooses no CRF; its own would be {WORDS}"),
        (
            CrfSettings(),
            KNOWN,
            CrfSettings(),
            f"m: the caller chooses a CRF of 5 iterations, reach 80; its own would be {WORDS}",
        ),
        (None, None, None, f"{LACK} {MEND}; predictions are with no CRF"),
        (
            True,
            None,
            CrfSettings(),
            f"{LACK} {MEND}; predictions are with a CRF of 5 iterations, reach 80",
        ),
    ],
)
def test_a_caller_overrides_a_models_own_crf_and_one_line_says_so(crf, facts, chosen, line, capsys):
    assert crf_by_argument(crf, facts, "m") == chosen
    assert capsys.readouterr().err.splitlines() == ([line] if line else [])


def test_without_a_crf_no_process_starts():
    with start_pool(None, 1) as pool:
        assert pool is None
