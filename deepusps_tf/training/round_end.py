"""The end of a round: its labels and weights are written, and it counts as finished."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
from absl import logging

from data_prep.base.counting import counted
from data_prep.records.format import RecordSet, open_labels
from deepusps_tf.labels.change import label_change
from deepusps_tf.labels.pseudo_labels import LabelSummary, write_label_set
from deepusps_tf.runs.checkpoints import save_weights
from deepusps_tf.runs.round_result import RoundFigures, RoundResult, labels_stem, write_result
from deepusps_tf.settings.config import Config
from deepusps_tf.training.label_drift import warn_of_drift
from deepusps_tf.training.rounds import Round, labels_stage


def end_round(
    *,
    spec: Round,
    config: Config,
    images: RecordSet,
    labels: Sequence[RecordSet],
    made: Iterable[np.ndarray] | None,
    network: keras.Model,
    losses: Sequence[float],
) -> RoundResult:
    """Writes what a trained round leaves behind and deletes its commits; on the chief alone.

    Args:
        spec: the round.
        config: the run's settings; its folder is that of the round in `config.workdir`.
        images: the photos.
        labels: the label sets it learned.
        made: the labels it makes, uint8 [S, S] in record order, or None.
        network: as it was trained.
        losses: of each epoch.
    """
    folder = Path(config.workdir) / spec.name
    written, figures = None, RoundFigures(tuple(losses), None)
    if made is not None:
        stem, stage = labels_stem(folder), labels_stage(spec.name)
        made = counted(made, "labels", total=len(images.ids), stage=stage, shown=False)
        summary = write_label_set(labels=made, images=images, stem=stem)
        written = open_labels(stem, images)
        moved = label_change(
            images=images,
            before=labels,
            after=written,
            size=config.size,
            threshold=spec.threshold,
        )
        figures = RoundFigures(tuple(losses), moved.change, summary.coverage, moved.coverage)
        if not _warn_of_collapse(spec.name, summary, config.collapse_warning):
            warn_of_drift(folder, figures, _other_methods(folder, config))
    result = RoundResult(folder, written, figures)
    save_weights(network, result.weights)
    write_result(result)
    shutil.rmtree(folder / "checkpoints")
    return result


def _other_methods(folder: Path, config: Config) -> list[Path]:
    """The folders of the methods beside that of a round; none of a joint round, which is of all."""
    names, own = config.method_names, folder.parent.name
    return [Path(config.workdir) / name for name in names if own in names and name != own]


def _warn_of_collapse(name: str, summary: LabelSummary, share: float) -> bool:
    """Says loudly that labels of all background or all foreground will teach nothing."""
    collapsed = summary.empty + summary.full > share * summary.count
    if collapsed:
        logging.warning(
            "%s: THE LABELS COLLAPSED: of %d, %d are all background and %d all foreground. The "
            "next round learns from these. Train longer or with another learning rate, or "
            "leave this method out of --methods.",
            name,
            summary.count,
            summary.empty,
            summary.full,
        )
    return collapsed
