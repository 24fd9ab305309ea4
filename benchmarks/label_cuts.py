"""What handcrafted maps are worth as labels, cut at other multiples of their method's mean.

python -m benchmarks.label_cuts --records=DIR [--methods=rbd,dsr,mc,hs] [--scale=1.5 --scale=2 ...]

The means are those of the training photos' maps, as in a run (`--threshold_scale`); the figures are
of the records' photos with masks, at 160x160. A scale chosen by them should be judged on others.
"""

from collections.abc import Sequence

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.errors import InputError
from data_prep.methods.names import METHODS

SIZE = 160
# Of the figures of `Scores`: a cut map has no use for a threshold of its own.
COLUMNS = {"mae": "MAE", "f_fixed": "F", "precision": "precision", "recall": "recall"}


def score_cuts(*, maps: np.ndarray, masks: np.ndarray, thresholds: Sequence[float]) -> list:
    """Scores maps cut into foreground and background above each threshold.

    Args:
        maps: float32 [N, S, S] in [0, 1].
        masks: float32 [N, S, S], 0 or 1.
        thresholds: where to cut.

    Returns:
        The `Scores` of each threshold.
    """
    from deepusps_tf.scoring.scores import score_maps

    cuts = ((maps > threshold).astype(np.float32) for threshold in thresholds)
    return [score_maps([(cut, masks)]) for cut in cuts]


def main(_) -> None:
    """Prints a row a method and scale."""
    from deepusps_tf.data.batches import label_mask_batches
    from deepusps_tf.data.photo_sets import open_photos
    from deepusps_tf.labels.pseudo_labels import handcrafted_threshold
    from deepusps_tf.scoring.layout import percentages

    values = flags.FLAGS
    photos = open_photos(values.records)
    split, images = photos.judged()
    if images is None:
        raise InputError(f"{values.records}: no photos with masks to score on")
    print(f"{'':4} {'scale':>6} {'cut':>6}", *(f"{name:>10}" for name in COLUMNS.values()))
    for method in values.methods:
        trained = photos.handcrafted("train", method)
        thresholds = [handcrafted_threshold(trained, scale) for scale in values.scale]
        labels = photos.handcrafted(split, method)
        batches = label_mask_batches(images=images, labels=[labels], size=SIZE).as_numpy_iterator()
        maps, masks = (np.concatenate(part)[..., 0] for part in zip(*batches, strict=True))
        rows = score_cuts(maps=maps, masks=masks, thresholds=thresholds)
        for scale, threshold, row in zip(values.scale, thresholds, rows, strict=True):
            figures = (f"{cell:>10}" for cell in percentages(row, COLUMNS))
            print(f"{method:4} {scale:6.2f} {threshold:6.3f}", *figures, flush=True)


if __name__ == "__main__":
    flags.DEFINE_string("records", None, "Prepared records with masks.", required=True)
    flags.DEFINE_list("methods", list(METHODS.names), "Whose maps.")
    flags.DEFINE_multi_float("scale", [1, 1.5, 2, 2.5, 3], "What the mean is multiplied by.")
    start(main)
