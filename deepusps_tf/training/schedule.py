"""The whole schedule of a run: the methods' label rounds, then the final training."""

import tensorflow as tf

from deepusps_tf.distribution.workers import Workers
from deepusps_tf.fusion.base import make_fusion
from deepusps_tf.fusion.oracle import check_oracle
from deepusps_tf.labels.crf_pool import start_crf
from deepusps_tf.runs.chosen import run_photos
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.settings.config import Config
from deepusps_tf.training.final_training import train_final_network
from deepusps_tf.training.label_rounds import run_label_rounds


def run_rounds(
    config: Config, strategy: tf.distribute.Strategy, workers: Workers | None = None
) -> list[Figures]:
    """Runs or resumes the whole schedule of a workdir.

    Args:
        config: the settings; its records must be there.
        strategy: where to train.
        workers: those of `strategy`, where they are known already.

    Returns:
        The rows of the stage table, empty where no photo has a mask.

    Raises:
        InputError: for settings or records that cannot be used.
    """
    fusion = make_fusion(config)
    photos = run_photos(config)
    check_oracle(config, photos)
    common = {"photos": photos, "strategy": strategy, "workers": workers or Workers(strategy)}
    with start_crf(config) as pool:
        labels = run_label_rounds(config=config.in_rounds, pool=pool, **common)
    # Lattices that the first pool kept may be of another size, and leave no room for others.
    with start_crf(config) as pool:
        train_final_network(config=config, labels=labels, fusion=fusion, pool=pool, **common)
    return collect_rows(config)
