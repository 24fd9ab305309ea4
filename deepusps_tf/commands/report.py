"""Writes the report of a finished run again."""

import dataclasses

from deepusps_tf.reporting.report import write_report
from deepusps_tf.runs.workdir import saved_run
from deepusps_tf.scoring.stages import collect_rows
from deepusps_tf.settings.config import Config


def report(config: Config) -> None:
    """Writes the report of a workdir again, under another name where one is given."""
    saved = saved_run(config)
    saved = dataclasses.replace(saved, experiment=config.experiment or saved.experiment)
    print(f"report: {write_report(saved, collect_rows(saved))}")
