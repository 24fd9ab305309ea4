import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from data_prep.pictures.images import encode_png
from deepusps_tf.reporting.run_facts import LIMITS, run_facts
from deepusps_tf.runs.provenance import Provenance
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, write_result
from deepusps_tf.runs.training_time import TRAINING
from deepusps_tf.scoring.figures import Evaluation, FieldScores, Figures, RunStage
from deepusps_tf.scoring.scores import Scores
from deepusps_tf.scoring.store import keep_evaluation, scored
from deepusps_tf.serving.model_facts import ModelFigures
from tests.deepusps_tf.conftest import SIDE, disc_photo, tiny_model

SCORES = Scores(4, 0.1, 0.8, 0.7, 0.9, 0.6)
TOLD = {"mae": 0.1, "f_fixed": 0.8, "f_adaptive": 0.7, "precision": 0.9, "recall": 0.6}


def facts_of(run, **changes):
    return run_facts(dataclasses.replace(run, **changes), tiny_model(backbone="", size=SIDE))


def test_a_run_tells_what_it_is(finished_run):
    for folder in ("rbd/round1", "rbd/round2", "mc/round1"):
        path = Path(finished_run.workdir) / folder
        path.mkdir(parents=True)
        write_result(RoundResult(path, None, RoundFigures((), None)))
    facts = facts_of(finished_run, crf_iterations=2, joint_rounds=1)
    assert (facts.name, facts.network, facts.size) == ("run", "drn_d_105", SIDE)
    assert (facts.parameters, facts.threshold) == (417, 0.5)
    assert facts.own_crf.iterations == 2 and facts.knows_crf
    assert (facts.methods, facts.rounds) == (("rbd", "mc"), {"rbd": 2, "mc": 1})
    assert (facts.joint_rounds, facts.fusion, facts.oracle) == (1, "mean_loss", "none")
    assert facts.pretraining == "none: its weights began at random"
    assert (facts.trained_on, facts.limits[:-1], facts.figures) == ("records", LIMITS, ())
    assert facts.served_crf == facts.own_crf and "some neighbours" in facts.limits[-1]
    hashes = sorted(hashlib.sha256(encode_png(disc_photo(n)[0])).digest() for n in range(10))
    assert facts.photo_set == hashlib.sha256(b"".join(hashes)).hexdigest()
    assert facts.photos == 10 and facts.trained is None and facts.exported.machine.cores


def test_an_oracle_has_neither_fusion_nor_joint_rounds(finished_run):
    facts = facts_of(finished_run, oracle="truth", joint_rounds=1, crf=False)
    assert (facts.oracle, facts.fusion, facts.joint_rounds) == ("truth", None, 0)
    assert facts.refined is False and facts.crf is None and facts.knows_crf
    assert facts.served_refinement == "none" and "network alone" in facts.limits[-1]


def test_a_run_may_leave_the_served_graph_bare(finished_run):
    facts = facts_of(finished_run, serving_refinement="none")
    assert facts.own_crf and facts.served_crf is None and "network alone" in facts.limits[-1]


def test_where_its_weights_began_is_said_in_words(finished_run):
    for backbone, pretrained, words in (
        ("efficientnet_lite0", "default", "learned from the photos of ImageNet with their class l"),
        ("efficientnet_lite0_fpn", "default", "the photos of ImageNet with their class labels"),
        ("resnet101", "default", "the photos of ImageNet with their class labels"),
        ("drn_d_22", "/home/me/drn.pth", "the weights file drn.pth; what that learned from is not"),
    ):
        told = facts_of(finished_run, backbone=backbone, pretrained=pretrained).pretraining
        assert words in told and "/home" not in told


def test_figures_name_their_photos_and_no_path(finished_run):
    workdir = Path(finished_run.workdir)
    outputs = (("test", "prediction"), ("test", "prediction + CRF"), ("train", "prediction"))
    rows = [Figures(RunStage("fusion", 1, split), output, SCORES) for split, output in outputs]
    scored(workdir / "fusion", lambda: rows)
    scored(workdir / "rbd/round0", lambda: [Figures(RunStage("rbd", 0, "test"), "map", SCORES)])
    evaluated = Evaluation("ECSSD", "their own size", f"this run on {workdir}")
    others = Evaluation("DUTS", "their own size", "run elsewhere on photos")
    field = FieldScores(*[0.5] * 9)
    for each in (evaluated, others):
        keep_evaluation(workdir, [Figures(each, "prediction", SCORES, field)])

    def figures(**changes):
        return facts_of(finished_run, **changes).figures

    assert figures() == (
        ModelFigures("records (held out)", 4, "32x32", "prediction", TOLD),
        ModelFigures("records (held out)", 4, "32x32", "prediction + CRF", TOLD),
        ModelFigures("records (training photos)", 4, "32x32", "prediction", TOLD),
        ModelFigures("ECSSD", 4, "their own size", "prediction", TOLD),
    )
    (first, *_) = figures(images="/home/me/msra/images", test_images="/home/me/ecssd/images")
    assert first.test_set == "ecssd"
    sets = [each.test_set for each in figures(images="/home/me/msra", test_images="/home/me/dut")]
    assert sets == ["dut", "dut", "msra (training photos)", "ECSSD"]
    sets = [each.test_set for each in figures(test_images="/home/me/ECSSD/images")]
    assert sets[:2] == ["ECSSD", "ECSSD"]  # a folder whose own name says nothing
    assert figures(sample_size=3)[0].test_set == "the embedded sample (held out)"


def test_records_that_cannot_be_read_are_told_and_left_out(finished_run, capsys):
    (shard,) = Path(finished_run.records).glob("train/images-*.tfrecord")
    shard.unlink()
    facts = facts_of(finished_run)
    assert (facts.photos, facts.photo_set, facts.trained_on) == (None, None, "records")
    line = f"the model card does not count its photos ({shard}: shard is missing; prepare the "
    assert capsys.readouterr().err == f"{line}records again)\n"


def test_what_is_gone_is_left_out(finished_run, capsys):
    shutil.rmtree(finished_run.records)
    facts = facts_of(finished_run, refined="gone", images="/home/me/photos")
    assert (facts.photos, facts.photo_set, facts.rounds) == (None, None, {})
    assert facts_of(finished_run, images="/home/me/msra/images").trained_on == "msra"
    assert facts.trained_on == "photos" and capsys.readouterr().err == ""


def test_the_training_is_told_as_the_run_kept_it(finished_run):
    kept = Provenance("2026-01-31", {"keras": "3"}, seconds=5.0)
    path = Path(finished_run.workdir) / TRAINING
    path.parent.mkdir()
    path.write_text(json.dumps({"finished": True, **dataclasses.asdict(kept)}))
    assert facts_of(finished_run).trained == kept
