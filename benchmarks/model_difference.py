r"""How far two models differ on the same photos, as half precision differs from full.

python -m benchmarks.model_difference --models=runs/starter/export,deepusps_tf/starter/model.keras \
    --images=DIR [--count=50]

Shown are the differences of probabilities, before the CRF and after that of each model, and the
share of pixels whose mask changes.
"""

from collections.abc import Iterable

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.errors import InputError


def differences(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Compares maps in pairs.

    Args:
        pairs: two maps of a photo, float32 [H, W] in [0, 1].

    Returns:
        By name: the mean and the largest difference of probabilities, the share of pixels on
        another side of 0.5, over all photos and in the photo where it is largest, in percent.
    """
    means, largest, shares = [], [], []
    for first, second in pairs:
        difference = np.abs(first - second)
        means.append(difference.mean())
        largest.append(difference.max())
        shares.append(100 * ((first > 0.5) != (second > 0.5)).mean())
    return {
        "mean difference": np.mean(means),
        "largest difference": np.max(largest),
        "% of mask pixels": np.mean(shares),
        "% in the worst photo": np.max(shares),
    }


def main(_) -> None:
    """Prints a line before and one after the CRF."""
    from data_prep.pictures.photos import list_photos
    from deepusps_tf.serving.saliency_model import load_model

    values = flags.FLAGS
    if len(values.models) != 2:
        raise InputError(f"--models={','.join(values.models)}: name two, with a comma between")
    photos = list_photos(values.images)[: values.count]
    models = [load_model(path) for path in values.models]
    own = [model.crf for model in models]
    for name, crfs in (("prediction", (None, None)), ("with CRF", own)):
        for model, crf in zip(models, crfs, strict=True):
            model.crf = crf
        maps = (tuple(model.predict(photo.path) for model in models) for photo in photos)
        told = (f"{what} {value:.5f}" for what, value in differences(maps).items())
        print(f"{len(photos)} photos, {name}: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    flags.DEFINE_list("models", None, "Two models, as --model takes them.", required=True)
    flags.DEFINE_string("images", None, "Folder of photos.", required=True)
    flags.DEFINE_integer("count", None, "How many photos, the first by name; by default all.")
    start(main)
