"""What can refine a mask inside a graph, beside the dense CRF that cannot run there.

python -m benchmarks.served_refinement --model=EXPORT --images=DIR --masks=DIR [--photos=80]

Prints a row a way: F at 0.5, MAE and boundary F in percent, at the photos' own sizes, and the
processor's milliseconds a photo of the refinement alone. All start from what the network of the
export predicts, and take the constants of its CRF. `local_crf` is what exports serve.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from absl import flags
from tqdm import tqdm

from data_prep.base.command import start

_TOLERANCE = 0.0075  # of the diagonal, as for the boundaries of BSDS
RADIUS, EPSILON = 8, 1e-4  # of the guided filter; not tuned
RADIUS_AFTER, EPSILON_AFTER = 2, 1e-3  # of the one behind the CRF; not tuned


class Way(NamedTuple):
    """A way to refine.

    Attributes:
        name: in the table.
        refine: (raw map float32 [S, S], square float32 [S, S, 3], photo uint8 [h, w, 3]) -> a map
            of any size.
    """

    name: str
    refine: Callable


def boundary_f(foreground: np.ndarray, mask: np.ndarray) -> float:
    """F1 of the outlines: how much of each lies within 0.75 % of the diagonal of the other.

    Args:
        foreground: bool [H, W].
        mask: bool [H, W].

    Returns:
        In [0, 1]; 1 where neither has an outline.
    """
    reach = max(1, round(_TOLERANCE * float(np.hypot(*mask.shape))))
    ball = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    ours, true = _outline(foreground), _outline(mask)
    if not ours.any() and not true.any():
        return 1.0
    precision = (ours & cv2.dilate(true, ball)).sum() / max(ours.sum(), 1)
    recall = (true & cv2.dilate(ours, ball)).sum() / max(true.sum(), 1)
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _outline(picture: np.ndarray) -> np.ndarray:
    """The true pixels with a false one beside, above or below: uint8 [H, W], 0 or 1."""
    filled = picture.astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return filled - cv2.erode(filled, cross, borderType=cv2.BORDER_REPLICATE)


def ways(size: int, crf) -> list[Way]:
    """The ways, for a network of `size` and a CRF."""
    import tensorflow as tf

    from benchmarks.guided_filter import guided
    from deepusps_tf.labels.crf import refine
    from deepusps_tf.serving.graph_refinement import refine_in_graph
    from deepusps_tf.serving.photo_input import enlarge

    @tf.function(autograph=False)
    def local(maps, squares):
        return refine_in_graph(maps, squares, crf, size)

    def square(raw, small, _):
        return local(raw[None, ..., None], small[None]).numpy()[0, ..., 0]

    def guide(raw, small, photo, **constants):
        large = tf.cast(photo[None], tf.float32)
        maps = tf.constant(raw[None, ..., None])
        return guided(maps, small[None], large, **constants).numpy()[0, ..., 0]

    def square_then_guided(raw, small, photo):
        refined = square(raw, small, photo)
        return guide(refined, small, photo, radius=RADIUS_AFTER, epsilon=EPSILON_AFTER)

    return [
        Way("none", lambda *given: given[0]),
        Way("guided filter", lambda *given: guide(*given, radius=RADIUS, epsilon=EPSILON)),
        Way("local_crf", square),
        Way("local_crf, guided filter", square_then_guided),
        Way("dense CRF", lambda raw, _, photo: refine(photo, enlarge(raw, photo.shape[:2]), crf)),
    ]


def outputs(model, pairs) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Predicts photos one by one: raw maps, squares, photos and masks, as of `Way`."""
    from data_prep.pictures.masks import read_mask

    for pair in tqdm(pairs, desc="photos", unit="photo"):
        seen = model.see(pair.picture)
        square = seen.square.numpy()
        raw = model.predict_batch([square])[0]
        yield raw, square, seen.rgb, read_mask(pair.mask) > 0


def main(_) -> None:
    """Prints the table."""
    from deepusps_tf.evaluation.folders import photo_pairs
    from deepusps_tf.labels.crf import CrfSettings
    from deepusps_tf.scoring.scores import map_scores, mean_scores
    from deepusps_tf.serving.photo_input import enlarge
    from deepusps_tf.serving.saliency_model import open_model

    values = flags.FLAGS
    model = open_model(values.model)
    crf = (model.facts and model.facts.own_crf) or CrfSettings()
    pairs = photo_pairs(Path(values.images), Path(values.masks))
    pairs = pairs[:: max(1, len(pairs) // values.photos)] if values.photos else pairs
    tried = None
    scores, edges, seconds = {}, {}, {}
    for raw, square, photo, mask in outputs(model, pairs):
        if tried is None:
            tried = ways(raw.shape[0], crf)
            for way in tried:  # traced before it is timed
                way.refine(raw, square, photo)
        for way in tried:
            began = time.process_time()
            refined = way.refine(raw, square, photo)
            seconds.setdefault(way.name, []).append(time.process_time() - began)
            own = enlarge(refined, mask.shape)
            truth = mask.astype(np.float32)
            scores.setdefault(way.name, []).append(map_scores(own[None], truth[None]))
            edges.setdefault(way.name, []).append(boundary_f(own > 0.5, mask))
    print(f"{len(pairs)} photos, {model.name}")
    print(f"{'':26}{'F':>8}{'MAE':>8}{'edge F':>8}{'ms':>8}")
    for name, parts in scores.items():
        mean = mean_scores(parts)
        cells = (100 * mean.f_fixed, 100 * mean.mae, 100 * np.mean(edges[name]))
        milliseconds = 1000 * float(np.mean(seconds[name]))
        print(f"{name:26}", *(f"{cell:7.2f}" for cell in cells), f"{milliseconds:7.0f}")


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "An exported model's folder.", required=True)
    flags.DEFINE_string("images", None, "The photos.", required=True)
    flags.DEFINE_string("masks", None, "Their masks.", required=True)
    flags.DEFINE_integer("photos", 0, "About how many to take, evenly; 0: all.", lower_bound=0)
    start(main)
