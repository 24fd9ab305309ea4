"""An export's facts, all of them known, and an export that has them."""

import shutil
from pathlib import Path

from deepusps_tf.labels.crf import CrfSettings
from deepusps_tf.runs.provenance import Machine, Provenance
from deepusps_tf.serving.model_facts import MODEL_FILE, ModelFacts, ModelFigures, facts_text

SCORES = {"mae": 0.0739, "f_fixed": 0.8516, "f_adaptive": 0.8, "precision": 0.9, "recall": 0.75}
FACTS = ModelFacts(
    name="flowers",
    network="efficientnet_lite0",
    size=32,
    parameters=3_400_000,
    threshold=0.5,
    refined=True,
    crf=CrfSettings(iterations=3, bilateral_sxy=30.0),
    served_refinement="local_crf",
    photos=1000,
    photo_set="ab" * 32,
    trained_on="meadows",
    methods=("rbd", "mc"),
    rounds={"rbd": 3, "mc": 2},
    joint_rounds=1,
    fusion="mean_loss",
    oracle="none",
    pretraining="weights learned from labels",
    figures=(ModelFigures("meadows (held out)", 250, "32x32", "prediction + CRF", SCORES),),
    trained=Provenance(
        "2026-01-31", {"python": "3.11", "keras": "3"}, "c0ffee", Machine(2, "a cpu", 8.0), 4000.0
    ),
    exported=Provenance("2026-02-01", {"python": "3.12"}),
    limits=("It cannot fly.",),
    licence="Apache-2.0",
)


def describe(exported: Path, folder: Path, facts: ModelFacts = FACTS) -> Path:
    """Copies a model folder to `folder`, where it says `facts` of itself."""
    shutil.copytree(exported, folder)
    (folder / "1" / MODEL_FILE).write_text(facts_text(facts), encoding="utf-8")
    return folder
