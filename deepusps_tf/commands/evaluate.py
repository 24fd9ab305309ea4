"""Scores runs, exports and maps on labelled photos."""

from pathlib import Path

from deepusps_tf.commands.notices import print_truth_notice
from deepusps_tf.evaluation.evaluate import evaluations
from deepusps_tf.scoring.layout import evaluation_text
from deepusps_tf.scoring.store import keep_evaluation
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import read_flagfile
from deepusps_tf.settings.places import RUN_FLAGFILE, runs_in


def evaluate(config: Config) -> None:
    """Scores runs, an exported model or maps on a labelled set, and keeps the figures."""
    for folder, figures in evaluations(config):
        keep_evaluation(folder, figures)
        print(f"{evaluation_text(figures)}\nfigures: {folder}/evaluation.json, evaluation.csv")
    if config.workdir:
        for run in runs_in(Path(config.workdir)):
            print_truth_notice(read_flagfile(run / RUN_FLAGFILE))
