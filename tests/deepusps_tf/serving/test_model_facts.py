import dataclasses
import json

import pytest

from data_prep.base.errors import InputError
from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.serving.model_facts import (
    MODEL_FILE,
    ModelFacts,
    facts_text,
    parse_facts,
    read_facts,
)
from tests.deepusps_tf.serving.described import FACTS


def test_facts_survive_their_file():
    assert parse_facts(facts_text(FACTS)) == FACTS
    assert parse_facts(facts_text(ModelFacts())) == ModelFacts()


def test_what_is_not_known_is_left_out():
    assert json.loads(facts_text(ModelFacts())) == {"format": 1}
    told = json.loads(facts_text(FACTS))
    assert list(told) == [field.name for field in dataclasses.fields(ModelFacts)]
    assert told["exported"] == {"date": "2026-02-01", "versions": {"python": "3.12"}}
    none = dataclasses.replace(FACTS, refined=False, crf=None, joint_rounds=0)
    told = json.loads(facts_text(none))
    assert told["refined"] is False and told["joint_rounds"] == 0 and "crf" not in told


def test_keys_of_later_versions_are_ignored():
    told = json.loads(facts_text(FACTS))
    later = {**told, "format": 2, "mood": "good", "crf": {**told["crf"], "steps": 3}}
    later["figures"] = [{**each, "note": "n"} for each in told["figures"]]
    later["trained"] = {**told["trained"], "place": "home"}
    assert parse_facts(json.dumps(later)) == dataclasses.replace(FACTS, format=2)


def test_the_crf_is_known_or_not():
    crf = CrfSettings(iterations=3)
    for facts, knows, own in (
        (ModelFacts(), False, None),
        (ModelFacts(crf=crf), False, None),
        (ModelFacts(refined=True), False, None),
        (ModelFacts(refined=False), True, None),
        (ModelFacts(refined=True, crf=crf), True, crf),
    ):
        assert (facts.knows_crf, facts.own_crf) == (knows, own)
        assert facts.served_crf is None
        local = dataclasses.replace(facts, served_refinement="local_crf")
        assert local.served_crf == own


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"crf": {"iterations": -1}}',
        '{"crf": {"bilateral_sxy": 0.1}}',
        '{"crf": {"bilateral_sxy": NaN}}',
        '{"crf": 3}',
        '{"figures": [{}]}',
    ],
)
def test_a_damaged_file_is_named(tmp_path, text):
    assert read_facts(tmp_path) is None
    (tmp_path / MODEL_FILE).parent.mkdir()
    (tmp_path / MODEL_FILE).write_text(text)
    with pytest.raises(InputError, match="model.json: damaged; export the model again"):
        read_facts(tmp_path)
