import dataclasses
import json
from pathlib import Path

from deepusps_tf.reporting.run_summary import summarise
from deepusps_tf.runs.provenance import Machine, Provenance
from deepusps_tf.runs.training_time import TRAINING


def test_a_run_says_when_with_what_and_what_next(tiny_config):
    config = dataclasses.replace(tiny_config, workdir=f"{tiny_config.workdir} 1")
    kept = Provenance(
        "2026-01-31", {"python": "3.11", "keras": "3.15"}, "abc", Machine(2, "Xeon"), 3480.0
    )
    path = Path(config.workdir) / TRAINING
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"finished": True, **dataclasses.asdict(kept)}))
    model = Path(config.workdir) / "export/3"
    summary = summarise(config, model, 1000, scored=False)
    assert summary.when == "Trained on 2026-01-31 in 58 min, on 2 cores of Xeon"
    assert summary.facts == {
        "model": str(model),
        "network": "drn_d_105 at 32x32",
        "photos": "1,000",
        "methods": "rbd, mc",
        "refined by": "a CRF of 5 iterations, reach 80",
        "hardware": "2 cores of Xeon",
        "versions": "python 3.11, keras 3.15",
        "commit": "abc",
    }
    (_, use), (what, score) = summary.commands
    assert f"--model='{config.workdir}/export' --images=PHOTOS --as=cutout" in use
    assert what == "Mask a few dozen photos by hand and score it"
    assert score == f"deepusps evaluate --workdir='{config.workdir}' --images=PHOTOS --masks=MASKS"
    assert summarise(config, model, 1, scored=True).commands[1][0] == "Score it on other photos"


def test_what_a_run_does_not_know_is_left_out(tiny_config):
    summary = summarise(tiny_config, None, 10, scored=False)
    assert summary.when == "" and "hardware" not in summary.facts
    assert summary.facts["model"] == "not exported"
    ((_, command),) = summary.commands
    assert command == f"deepusps export --workdir={tiny_config.workdir}"
