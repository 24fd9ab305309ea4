"""What the CRF's constants do to the networks of a run, scored on its photos with masks.

python -m benchmarks.crf_constants --workdir=DIR [--networks=rbd/round3,fusion] [--photos=200]
    [--settings=none,release,bilateral_sxy=30,bilateral_sxy=30+iterations=10]

A setting is `none` (no CRF), `release`, or constants of `CrfSettings` that differ from the
release's, joined by `+`. The first photos in record order are scored; constants chosen by these
figures should be judged on others.
"""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags

from data_prep.base.command import start
from data_prep.base.errors import InputError
from deepusps_tf.labels.crf import RELEASE_SETTINGS, CrfSettings
from deepusps_tf.labels.crf_pool import CrfPool

RELEASE = dataclasses.asdict(RELEASE_SETTINGS)
WIDTHS = ("gaussian_sxy", "bilateral_sxy", "bilateral_srgb")  # pydensecrf crashes on one of 0


def parse_setting(text: str) -> CrfSettings | None:
    """Reads `none`, `release` or `name=value+name=value`.

    Raises:
        InputError: for an unknown constant, or a value that is no finite number above 0. Iterations
            and compatibilities may be 0, which leaves them out.
    """
    if text in ("none", "release"):
        return None if text == "none" else RELEASE_SETTINGS
    changes = {}
    for pair in text.split("+"):
        name, _, value = pair.partition("=")
        try:
            number = type(RELEASE[name])(value)
        except (KeyError, ValueError):
            number = math.nan
        if not 0 <= number < math.inf or (number == 0 and name in WIDTHS):
            raise InputError(
                f"--settings={text}: write none, release or {'|'.join(RELEASE)}=number; numbers "
                f"are finite and not negative, {', '.join(WIDTHS)} above 0"
            )
        changes[name] = number
    return dataclasses.replace(RELEASE_SETTINGS, **changes)


def score_settings(
    *,
    photos: np.ndarray,
    maps: np.ndarray,
    masks: np.ndarray,
    settings: Sequence[CrfSettings | None],
) -> list:
    """Scores maps after a CRF of each setting.

    Args:
        photos: uint8 [N, S, S, 3].
        maps: float32 [N, S, S] in [0, 1].
        masks: float32 [N, S, S], 0 or 1.
        settings: of the CRFs; None: no CRF.

    Returns:
        The `Scores` of each setting.
    """
    from deepusps_tf.scoring.scores import score_maps

    results = []
    for setting in settings:
        refined = maps
        if setting is not None:
            with CrfPool(0, setting) as pool:
                refined = np.stack(list(pool.refine_all(zip(photos, maps, strict=True))))
        results.append(score_maps([(refined, masks)]))
    return results


def main(_) -> None:
    """Prints a row a network and setting."""
    from deepusps_tf.data.batches import scoring_batches
    from deepusps_tf.data.photo_sets import open_photos
    from deepusps_tf.networks.folding import inference_twin
    from deepusps_tf.networks.saliency_network import build_model
    from deepusps_tf.runs.checkpoints import load_weights
    from deepusps_tf.runs.round_result import WEIGHTS
    from deepusps_tf.runs.workdir import saved_run
    from deepusps_tf.scoring.layout import COLUMNS, percentages
    from deepusps_tf.settings.config import Config

    values = flags.FLAGS
    settings = [parse_setting(text) for text in values.settings]
    run = saved_run(Config(mode="report", workdir=values.workdir))
    _, images = open_photos(run.records).judged()
    if images is None:
        raise InputError(f"{run.records}: no photos with masks to score on")
    batches = scoring_batches(images=images, size=run.size, batch_size=values.photos)
    batch = next(batches.as_numpy_iterator())
    network = build_model(backbone=run.backbone, size=run.size)
    print(f"{'':14} {'':32}", *(f"{name:>14}" for name in COLUMNS.values()))
    for name in values.networks:
        path = Path(values.workdir) / name / WEIGHTS
        load_weights(network, path, "name a finished round by --networks")
        maps = inference_twin(network).predict(batch["image"], run.batch_size, verbose=0)[..., 0]
        rows = score_settings(
            photos=np.rint(batch["image"]).astype(np.uint8),
            maps=maps,
            masks=batch["mask"][..., 0],
            settings=settings,
        )
        for text, row in zip(values.settings, rows, strict=True):
            print(f"{name:14} {text:32}", *(f"{cell:>14}" for cell in percentages(row)), flush=True)


if __name__ == "__main__":
    flags.DEFINE_string("workdir", None, "Of a run, which may be under way.", required=True)
    flags.DEFINE_list("networks", ["fusion"], "Its rounds, or fusion.")
    flags.DEFINE_integer("photos", 200, "How many to score.", lower_bound=1)
    flags.DEFINE_list(
        "settings",
        ["none", "release", *(f"bilateral_sxy={side}" for side in (60, 40, 30, 20))],
        "What to try.",
    )
    start(main)
