"""Scores outputs by the paper's figures and by those of the field's own scorer."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from deepusps_tf.scoring.field_scores import FieldScorer
from deepusps_tf.scoring.figures import Evaluation, Figures
from deepusps_tf.scoring.scores import REFINED, map_scores, mean_scores


def score_outputs(
    batches: Iterable[tuple[dict[str, np.ndarray], np.ndarray]], subject: Evaluation
) -> list[Figures]:
    """Scores one or more outputs by the same masks, by both scorers.

    Args:
        batches: ({output: maps}, masks), float32 [B, H, W] each, the maps in [0, 1]; H and W may
            change from batch to batch.
        subject: what is scored; its CRF is that of the refined output alone.

    Returns:
        The figures of each output.
    """
    ours, field = {}, {}
    for outputs, masks in batches:
        for output, maps in outputs.items():
            ours.setdefault(output, []).append(map_scores(maps, masks))
            scorer = field.setdefault(output, FieldScorer())
            for saliency, mask in zip(maps, masks, strict=True):
                scorer.add(saliency, mask)
    plain = dataclasses.replace(subject, crf="")
    return [
        Figures(
            subject=subject if output == REFINED else plain,
            output=output,
            scores=mean_scores(parts),
            field=field[output].scores(),
        )
        for output, parts in ours.items()
    ]
