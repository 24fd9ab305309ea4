import pytest

from benchmarks.train_step import SETTINGS, parse_case, parse_side
from data_prep.base.errors import InputError


def test_a_side_has_its_librarys_defaults_but_for_what_it_names():
    library, settings = parse_side("keras+onednn=off+threads=1")
    assert library == "keras"
    assert settings == {
        "backend": "tensorflow",
        "onednn": "off",
        "batchnorm": "fused",
        "handover": "on",
        "jit": "off",
        "precision": "float32",
        "frozen": "0",
        "threads": "1",
    }
    assert parse_side("torch")[1].keys() == SETTINGS["torch"].keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [("jax", "starts with none"), ("torch+onednn=on", "has layout"), ("keras+jit=1", "off, on")],
)
def test_unknown_sides_are_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_side(text)


def test_a_case_draws_what_a_step_takes():
    images, labels = parse_case("drn_d_22:24:2").arrays()
    assert images.shape == (2, 24, 24, 3) and labels.shape == (2, 24, 24, 1)
    assert 0 <= labels.min() <= labels.max() <= 1 < images.max() <= 255
