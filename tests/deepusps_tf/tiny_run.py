"""The command with a network of two convolutions, for tests that start it many times.

python -m tests.deepusps_tf.tiny_run --flags-of-deepusps_tf.main
"""

import sys
from pathlib import Path

from PIL import Image

from deepusps_tf import main
from deepusps_tf.commands.quick_start import import_keras

ROOT = Path(__file__).parents[2]


def tiny_command(folder) -> list[str]:
    """Makes 8 photos under `folder`; returns a whole run on them, to `records` and `run`."""
    from tests.deepusps_tf.conftest import disc_photo

    images, masks = folder / "images", folder / "masks"
    for made in (images, masks):
        made.mkdir()
    for number in range(8):
        photo, mask = disc_photo(number)
        Image.fromarray(photo).resize((96, 80)).save(images / f"p{number}.png")
        Image.fromarray(mask).resize((96, 80), 0).save(masks / f"p{number}.png")
    return [
        *(sys.executable, "-m", "tests.deepusps_tf.tiny_run"),
        *(f"--images={images}", f"--masks={masks}", "--holdout=0.25", "--records=records"),
        *("--workdir=run", "--methods=rbd,mc", "--backbone=drn_d_22", "--pretrained=none"),
        *("--size=32", "--batch_size=4", "--rounds=2", "--epochs=3", "--learning_rates=1e-2,1e-2"),
        *("--fusion_epochs=3", "--fusion_learning_rate=1e-2", "--crf_processes=1", "--jobs=1"),
    ]


def short_command(folder) -> list[str]:
    """The same with one method, one round, and epochs enough to stop between two."""
    short = ("--methods=rbd", "--rounds=1", "--learning_rates=1e-2")
    return [*tiny_command(folder), *short, "--epochs=2", "--fusion_epochs=2"]


def without_masks(folder) -> list[str]:
    """`tiny_command` on all 8 photos, none of which has a mask to score by."""
    command = tiny_command(folder)
    return [part for part in command if not part.startswith(("--masks=", "--holdout="))]


if __name__ == "__main__":  # the CRF's processes import this module too, free of TensorFlow
    import_keras()
    from deepusps_tf.runs import round_result
    from deepusps_tf.training import stage_scorer, start
    from tests.deepusps_tf.conftest import tiny_model

    for module in (start, stage_scorer, round_result):
        module.build_model = tiny_model
    main.start()
