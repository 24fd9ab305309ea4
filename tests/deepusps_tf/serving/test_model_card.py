import dataclasses

from deepusps_tf.serving.model_card import card_text
from deepusps_tf.serving.model_facts import ModelFacts
from tests.deepusps_tf.serving.described import FACTS


def test_the_card_says_what_the_facts_are():
    lines = card_text(FACTS).splitlines()
    assert lines[0] == "# flowers"
    for line in (
        "- Network: efficientnet_lite0 at 32x32, 3,400,000 parameters",
        "- Mask: where the probability is above 0.5",
        "- CRF: 3 iterations; bilateral: reach 30 pixels of a 432x432 map, 13 levels of colour, "
        "weight 10; Gaussian: reach 3, weight 3",
        f"- Photos: 1000, from meadows, SHA-256 {'ab' * 32}",
        "- Masks: none, they only score",
        "- Pretraining: weights learned from labels",
        "- First labels: maps of rbd, mc",
        "- Rounds: 3 of rbd, 2 of mc",
        "- Joint rounds: 1",
        "- Fusion: mean_loss",
        "| meadows (held out) | 250 | 32x32 | prediction + CRF | 85.16 | 7.39 | 90.00 | 75.00 |",
        "- It cannot fly.",
        "- Trained: 2026-01-31; in 67 min; on 2 cores of a cpu, 8 GB; python 3.11, keras 3; "
        "commit c0ffee",
        "- Exported: 2026-02-01; python 3.12",
    ):
        assert line in lines
    text = card_text(FACTS)
    assert "`unrefined` and `tensor_unrefined`" in text and "ORACLE" not in text
    assert "is under Apache-2.0." in text


def test_an_oracle_is_said_before_anything_else():
    text = card_text(dataclasses.replace(FACTS, oracle="truth", fusion=None))
    assert text.splitlines()[2].startswith("**ORACLE, --oracle=truth: THIS MODEL WAS TRAINED WITH ")
    assert "- Masks: TRUTH MASKS, by --oracle=truth" in text and "- Masks: none" not in text


def test_nothing_is_said_of_what_is_not_known():
    text = card_text(ModelFacts())
    assert text.startswith("# Salient-object segmentation model\n\n## How it is used\n")
    titles = [line for line in text.splitlines() if line.startswith("##")]
    assert titles == ["## How it is used", "## Figures"]
    assert "None: it was scored on no photos with masks." in text and "- " not in text
    bare = card_text(dataclasses.replace(FACTS, served_refinement="none"))
    assert "The graph has no CRF" in bare and "unrefined" not in bare
    nocrf = card_text(dataclasses.replace(FACTS, refined=False, crf=None))
    assert "- CRF: none" in nocrf and "The graph" not in nocrf
