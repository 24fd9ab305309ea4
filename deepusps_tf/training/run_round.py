"""A round of a run that may be finished already."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from data_prep.base.log import note
from data_prep.records.format import RecordSet
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.labels.crf_pool import CrfPool
from deepusps_tf.runs.round_result import RoundResult, is_finished, read_result
from deepusps_tf.training.rounds import Round
from deepusps_tf.training.trainer import Trainer


def run_round(
    *,
    spec: Round,
    workdir: Path,
    images: RecordSet,
    labels: Sequence[RecordSet],
    trainer: Callable[[], Trainer],
    pool: CrfPool | None,
    workers: Workers,
) -> RoundResult:
    """Trains a round, or reads the result of one that is finished.

    Args:
        spec: the round; its folder in `workdir` and its log are all that is written.
        workdir: the run's.
        images: the photos.
        labels: the label sets to learn.
        trainer: gives the trainer, which is made only where something is trained.
        pool: the CRF's processes, or None.
        workers: those that train together.

    Raises:
        InputError: where the round cannot be trained or read.
    """
    folder = workdir / spec.name
    finished = is_finished(folder)
    workers.agree(int(finished), f"{folder}: finished")
    if finished:
        result = read_result(folder, images)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return result
    cuts = ", ".join(f"{cut:.3f}" for cut in np.atleast_1d(spec.threshold))
    note(
        "%s: %d epochs, labels cut at %s, learning rate %g",
        spec.name,
        spec.epochs,
        cuts,
        spec.learning_rate,
    )
    return trainer().train(spec, labels, pool)
