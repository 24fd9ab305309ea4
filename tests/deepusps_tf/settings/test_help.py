import dataclasses

import pytest

from deepusps_tf.settings.config import Config
from deepusps_tf.settings.help import help_text
from deepusps_tf.settings.setting import GROUPS, MODES, declared, flag_name


def listed(text: str) -> list[str]:
    """The flags of a help text, in order."""
    lines = [line for line in text.splitlines() if line.startswith("  --")]
    return [line.strip().removeprefix("--[no]").lstrip("-").partition(":")[0] for line in lines]


def test_flags_are_listed_once_under_what_they_are_about():
    text = help_text()
    assert sorted(listed(text)) == sorted(
        [*(flag_name(field) for field in dataclasses.fields(Config)), "flagfile", "verbosity"]
    )
    headings = [line[:-1] for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == [*GROUPS, "flagfiles", "what is said"]
    network = text[text.index("\nnetwork:") : text.index("\nrounds:")]
    assert listed(network)[:3] == ["backbone", "pretrained", "frozen_blocks"]


@pytest.mark.parametrize("mode", MODES)
def test_a_modes_help_lists_its_own_flags_alone(mode):
    fields = [field for field in dataclasses.fields(Config) if mode in declared(field).modes]
    flags = {flag_name(field) for field in fields} - {"mode"} | {"flagfile", "verbosity"}
    text = help_text(mode)
    assert set(listed(text)) == flags
    assert text.startswith(MODES[mode])


def test_help_says_values_defaults_modes_and_parts():
    lines = " ".join(help_text().split())
    assert "--mode: <train|evaluate|predict|export|report|table|studio>: What to do." in lines
    assert "--[no]crf: Refine predictions with the dense CRF." in lines
    assert "--as: <mask|probability|cutout>: What" in lines
    assert "in pixels. (of train; default: 432)" in lines
    assert "default: 1e-06,2e-06,5e-06)" in lines
    assert "One of drn_d_22, drn_d_38" in lines
    assert "One of f_beta, or package.module:name of your own." in lines
    assert "One of mean_loss, trimmed_loss, direct, weighted" in lines
    assert "those that come with the program: cpu.flags, cpu_paper.flags, demo.flags" in lines
    assert "(default: true)" in help_text("predict") and "of train" not in help_text("predict")
