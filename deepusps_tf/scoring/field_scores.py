"""The figures of the field's own scorer, `py_sod_metrics`, in its own conventions."""

import dataclasses

import numpy as np
from py_sod_metrics import MAE, Emeasure, FmeasureHandler, FmeasureV2, Smeasure, WeightedFmeasure

from deepusps_tf.scoring.figures import FieldScores
from deepusps_tf.scoring.metrics import REPORTED_BETA_SQUARED


class FieldScorer:
    """Collects maps and masks one by one.

    The scorer stretches each 8-bit map to 0..1 by its own minimum and maximum, and calls precision,
    recall and F of nothing 0. `deepusps_tf.scoring.metrics` does neither, so the two agree on maps
    that reach 0 and 1 and are cut to something.
    """

    def __init__(self):
        self._f = FmeasureHandler(with_dynamic=True, with_adaptive=True, beta=REPORTED_BETA_SQUARED)
        self._measures = {
            "mae": MAE(),
            "f": FmeasureV2({"f": self._f}),
            "wfm": WeightedFmeasure(),
            "sm": _Structure(),
            "em": Emeasure(),
        }

    def add(self, saliency: np.ndarray, mask: np.ndarray) -> None:
        """Scores one map, rounded to 8 bits as the file that the field would score.

        Args:
            saliency: float [H, W] in [0, 1].
            mask: float [H, W], 0 or 1.
        """
        grey, truth = (np.rint(255 * values).astype(np.uint8) for values in (saliency, mask))
        for measure in self._measures.values():
            measure.step(grey, truth)

    def scores(self) -> FieldScores:
        """Averages what was added; at least one map must have been."""
        results = {name: measure.get_results()[name] for name, measure in self._measures.items()}
        f, e = results["f"], results["em"]
        values = FieldScores(
            mae=results["mae"],
            f_max=f["dynamic"].max(),
            f_mean=f["dynamic"].mean(),
            f_adaptive=f["adaptive"],
            f_weighted=results["wfm"],
            s_measure=results["sm"],
            e_max=e["curve"].max(),
            e_mean=e["curve"].mean(),
            e_adaptive=e["adp"],
        )
        return FieldScores(*(float(value) for value in dataclasses.astuple(values)))


class _Structure(Smeasure):
    """Counts a quadrant without pixels for nothing; the scorer would divide by its size."""

    def ssim(self, pred: np.ndarray, gt: np.ndarray) -> float:
        return super().ssim(pred, gt) if pred.size else 0.0
