"""The end of a round: its labels and weights are written, and it counts as finished."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import keras
from absl import logging

from data_prep.records.format import RecordSet, open_labels
from deepusps_tf.labels.change import label_change
from deepusps_tf.labels.moving_average import MovingAverage
from deepusps_tf.labels.pseudo_labels import LabelSummary, write_averaged_labels
from deepusps_tf.runs.checkpoints import save_weights
from deepusps_tf.runs.round_result import RoundResult, labels_stem, write_result
from deepusps_tf.settings.config import Config
from deepusps_tf.training.rounds import Round


def end_round(
    *,
    spec: Round,
    config: Config,
    images: RecordSet,
    labels: Sequence[RecordSet],
    average: MovingAverage | None,
    network: keras.Model,
    losses: Sequence[float],
) -> RoundResult:
    """Writes what a trained round leaves behind and deletes its commits; on the chief alone.

    Args:
        spec: the round.
        config: the run's settings; its folder is that of the round in `config.workdir`.
        images: the photos.
        labels: the label sets it learned.
        average: whose last epoch becomes labels, or None.
        network: as it was trained.
        losses: of each epoch.
    """
    folder = Path(config.workdir) / spec.name
    written = change = None
    if average is not None:
        stem = labels_stem(folder)
        summary = write_averaged_labels(
            average=average, epoch=spec.epochs, images=images, stem=stem
        )
        _warn_of_collapse(spec.name, summary, config.collapse_warning)
        written = open_labels(stem, images)
        change = label_change(images=images, before=labels, after=written, size=config.size)
        logging.info("%s: labels changed by %.4f on average", spec.name, change)
    result = RoundResult(folder, written, tuple(losses), change)
    save_weights(network, result.weights)
    write_result(result)
    shutil.rmtree(folder / "checkpoints")
    return result


def _warn_of_collapse(name: str, summary: LabelSummary, share: float) -> None:
    """Says loudly that labels of all background or all foreground will teach nothing."""
    if summary.empty + summary.full > share * summary.count:
        logging.warning(
            "%s: THE LABELS COLLAPSED: of %d, %d are all background and %d all foreground. The "
            "next round learns from these. Train longer or with another learning rate, or "
            "leave this method out of --methods.",
            name,
            summary.count,
            summary.empty,
            summary.full,
        )
