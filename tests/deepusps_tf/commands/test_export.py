from pathlib import Path

import pytest

from deepusps_tf.commands.export import export
from deepusps_tf.reporting.run_facts import run_facts
from deepusps_tf.runs.round_result import load_fusion
from deepusps_tf.serving.model_card import card_text
from deepusps_tf.serving.model_facts import facts_text
from deepusps_tf.settings.config import Config


@pytest.mark.parametrize(
    ("form", "writer", "folder"),
    [("saved_model", "export_model", "export"), ("keras", "write_portable", "")],
)
def test_every_form_is_given_what_the_run_knows(
    tiny_network, finished_run, tmp_path, monkeypatch, capsys, form, writer, folder
):
    def write(*, facts, **where):
        assert where["folder"] == Path(finished_run.workdir, folder) and where["size"] == 32
        assert where.get("form", "saved_model") == form
        assert facts == run_facts(finished_run, load_fusion(finished_run))
        assert facts.photos == 10
        assert str(tmp_path) not in facts_text(facts) + card_text(facts)
        return "the model"

    monkeypatch.setattr(f"deepusps_tf.commands.export.{writer}", write)
    export(Config(mode="export", workdir=finished_run.workdir, format=form))
    assert capsys.readouterr().out == "model: the model\n"
