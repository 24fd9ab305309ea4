"""The final training: joint rounds on all methods' labels, then the fused network."""

import dataclasses
import functools
from pathlib import Path

import tensorflow as tf

from data_prep.records.format import RecordSet
from deepusps_tf.data.photo_sets import PhotoSets
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.fusion.base import Fusion, LearnedLabels
from deepusps_tf.fusion.mean_loss import MeanLoss
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.runs.round_result import JOINT, RoundResult
from deepusps_tf.settings.config import Config
from deepusps_tf.training.label_rounds import MethodLabels
from deepusps_tf.training.rounds import FUSION, Round, epochs_for
from deepusps_tf.training.run_round import run_round
from deepusps_tf.training.stage_scorer import StageScorer
from deepusps_tf.training.tensorboard import write_settings
from deepusps_tf.training.trainer import Trainer


def train_final_network(
    *,
    config: Config,
    photos: PhotoSets,
    labels: MethodLabels,
    fusion: Fusion,
    strategy: tf.distribute.Strategy,
    workers: Workers,
    pool: CrfPool | None,
) -> RoundResult:
    """Trains one network on all methods' labels, as the fusion says, after any joint rounds.

    A joint round is a training of the same kind whose averages, or with `--joint_labels` its
    network's predictions, become the only label set of the next: from then on there is nothing to
    fuse.

    Args:
        config: the run's settings; all is written in its workdir.
        photos: the run's photo sets.
        labels: what the methods' rounds left.
        fusion: of `make_fusion`.
        strategy: where to train.
        workers: those that train together under it.
        pool: the CRF's processes, or None.

    Raises:
        InputError: where the labels cannot be used.
    """
    scorer = StageScorer(config=config, photos=photos, pool=pool, workers=workers)
    common = {"workdir": Path(config.workdir), "images": photos.train}
    run = functools.partial(run_round, **common, pool=pool, workers=workers)
    rated = {"beta_squared": config.fusion_beta_squared, "workers": workers}

    def train(config: Config, name: str, place: int, makes: str | None) -> RoundResult:
        options = {"fusion": fusion, "label_sets": len(learned.labels), "makes": makes, **rated}
        trainer = functools.partial(Trainer, config, strategy, photos.train, **options)
        spec = _round(config, name, place, learned, photos.train)
        return run(spec=spec, labels=learned.labels, trainer=trainer)

    folder = Path(config.workdir) / FUSION
    learned = workers.chief_first(lambda: fusion.learned(photos.train, labels.labels, folder))
    joint = config.in_joint_rounds
    joint_scorer = scorer.of(joint)
    for number in range(1, config.joint + 1):
        name, makes = f"{JOINT}/round{number}", config.joint_labels
        result = train(joint, name, number - 1, makes)
        shown, made = [*learned.labels, result.labels], result.labels
        joint_scorer.score_round(result, method=JOINT, number=number, shown=shown, written=made)
        learned, fusion = LearnedLabels((made,)), MeanLoss(config)
    result = train(config, FUSION, config.joint, None)
    if workers.is_chief:
        write_settings(scorer.logs(FUSION), dataclasses.asdict(config))
    scorer.score_round(
        result, method=FUSION, number=1, shown=learned.labels, written=learned.written
    )
    return result


def _round(
    config: Config, name: str, place: int, learned: LearnedLabels, images: RecordSet
) -> Round:
    """The round of that place behind the methods' own."""
    return Round(
        name=name,
        number=len(config.method_names) * config.rounds + place,
        threshold=learned.threshold,
        learning_rate=config.fusion_learning_rate,
        epochs=epochs_for(
            epochs=config.fusion_epochs,
            steps=config.fusion_min_steps,
            photos=len(images.ids),
            batch_size=config.batch_size,
        ),
    )
