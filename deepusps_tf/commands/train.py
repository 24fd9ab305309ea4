"""Trains: records where absent, rounds, fusion, scores, report and export."""

from pathlib import Path

import tensorflow as tf

from data_prep.prepare import Source, prepare_records
from deepusps_tf.commands.export import export_run
from deepusps_tf.commands.notices import print_truth_notice
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.reporting.report import write_report
from deepusps_tf.runs.workdir import (
    check_joined,
    locked_workdir,
    repeat_runs,
    rounds_note,
    save_settings,
)
from deepusps_tf.scoring.layout import table_text
from deepusps_tf.serving.export import exported_versions
from deepusps_tf.settings.config import Config
from deepusps_tf.training.schedule import run_rounds
from deepusps_tf.training.start import check_settings


def train(config: Config) -> None:
    """Trains a run, or each of its repeats."""
    strategy = make_strategy(config.devices)  # first: TensorFlow splits a CPU only at its start
    workers = Workers(strategy)
    with workers.stops_named():
        for run in repeat_runs(config):
            if workers.is_chief:
                _train(run, strategy, workers)
            else:
                _help_train(run, strategy, workers)
    if config.repeats > 1 and workers.is_chief:
        print(f"table:  python -m deepusps_tf.main --mode=table --workdirs={config.workdir}")


def _train(config: Config, strategy: tf.distribute.Strategy, workers: Workers) -> None:
    """Prepares records where absent, runs all rounds and fusion, reports and exports."""
    with locked_workdir(config) as workdir:
        check_settings(config, strategy)
        if config.images or config.sample_size:
            source = Source(
                images=config.images,
                masks=config.masks,
                test_images=config.test_images,
                test_masks=config.test_masks,
                holdout=config.holdout,
                sample_size=config.sample_size,
                # Not the run's: its repeats train on the same pictures.
                sample_seed=0 if config.sample_size else None,
                methods=config.methods,
                max_side=config.max_side,
            )
            prepare_records(source=source, records=Path(config.records), jobs=config.jobs)
        save_settings(config)
        workers.wait()
        rows = run_rounds(config, strategy, workers)
        page = write_report(config, rows)
        if not exported_versions(workdir / "export"):
            export_run(config)
        workers.wait()
    print_truth_notice(config)
    if note := rounds_note(config):
        print(f"{note}\n")
    print(table_text(rows) or "no truth masks were given, so nothing is scored")
    print(f"report: {page}\nmodel:  {workdir / 'export'}\nlogs:   tensorboard --logdir={workdir}")


def _help_train(config: Config, strategy: tf.distribute.Strategy, workers: Workers) -> None:
    """Trains beside the chief in the workdir that it prepared, until it has exported."""
    workers.wait()
    check_joined(config)
    run_rounds(config, strategy, workers)
    workers.wait()
