"""Trains: records where absent, rounds, fusion, scores, report and export."""

import dataclasses
import shlex
import sys
from pathlib import Path

import tensorflow as tf

from data_prep.base.errors import InputError
from data_prep.base.job import Job, under_way
from data_prep.base.log import is_quiet, log_file, note
from data_prep.base.screen import Screen
from data_prep.prepare import prepare_records, take_changes
from data_prep.records.source import Source
from deepusps_tf.commands.export import export_run
from deepusps_tf.commands.notices import print_truth_notice
from deepusps_tf.distribution.devices import make_strategy
from deepusps_tf.distribution.workers import Workers
from deepusps_tf.reporting.report import write_report
from deepusps_tf.runs.chosen import take_choices, without_methods
from deepusps_tf.runs.job_files import EVENTS, LOG, PROGRESS, EventFile, ProgressFile
from deepusps_tf.runs.label_versions import choose_versions
from deepusps_tf.runs.provenance import versions
from deepusps_tf.runs.training_time import timed_training
from deepusps_tf.runs.workdir import (
    check_joined,
    locked_workdir,
    repeat_runs,
    rounds_note,
    save_settings,
)
from deepusps_tf.scoring.figures import Figures
from deepusps_tf.scoring.layout import table_text
from deepusps_tf.serving.saliency_model import SaliencyModel, load_model
from deepusps_tf.settings.checks import checked
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import list_text
from deepusps_tf.settings.places import RUN_FLAGFILE, check_places, exported_versions
from deepusps_tf.training.plan import count_photos, done_stages, run_stages
from deepusps_tf.training.schedule import run_rounds
from deepusps_tf.training.start import check_settings


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        config: its settings.
        rows: the stage table: a record for each stage, output and split that has masks.
    """

    config: Config
    rows: tuple[Figures, ...]

    @property
    def workdir(self) -> Path:
        """The folder of all that it wrote."""
        return Path(self.config.workdir)

    @property
    def export(self) -> Path:
        """The model for TF Serving, a folder of versions."""
        return self.workdir / "export"

    @property
    def report(self) -> Path:
        """The report, a page."""
        return self.workdir / "report" / "index.html"

    def model(self) -> SaliencyModel:
        """Loads the exported model, which predicts photos."""
        return load_model(self.export)


def train(config: Config) -> None:
    """Trains a run, or each of its repeats, and prints what came out."""
    strategy = make_strategy(config.devices)  # first: TensorFlow splits a CPU only at its start
    workers = Workers(strategy)
    with workers.stops_named():
        for each in repeat_runs(config):
            run = _train(each, strategy, workers)
            if workers.is_chief:
                _print(run)
    if config.repeats > 1 and workers.is_chief:
        runs = shlex.quote(list_text([config.workdir]))
        print(f"table:  python -m deepusps_tf.main --mode=table --workdirs={runs}")


def train_run(config: Config) -> Run:
    """Trains one run, or goes on with one that was stopped; `deepusps_tf.train`.

    Args:
        config: its settings; they name at least `records` and `workdir` and, where the records are
            not there yet, `images` or `sample_size`.

    Returns:
        The finished run.

    Raises:
        InputError: for settings, photos or files that cannot be used, in one line.
    """
    config = checked(dataclasses.replace(config, mode="train"))
    if config.repeats > 1:
        raise InputError("--repeats: train each by itself, with a seed and a workdir of its own")
    check_places(config)
    strategy = make_strategy(config.devices)
    workers = Workers(strategy)
    with workers.stops_named():
        return _train(config, strategy, workers)


def _train(config: Config, strategy: tf.distribute.Strategy, workers: Workers) -> Run:
    """Prepares records where absent, runs all rounds and fusion, exports and reports.

    The chief does; other workers train beside it.
    """
    if not workers.is_chief:
        return Run(config, _help_train(config, strategy, workers))
    config = without_methods(config)
    with locked_workdir(config) as workdir:
        check_settings(config, strategy)
        job = _job(config, workdir)
        with log_file(workdir / LOG), under_way(job):
            note("started: %s; with %s", shlex.join(sys.argv), versions())
            rows = _do_stages(job, config, strategy, workers, workdir)
    return Run(config, tuple(rows))


def _do_stages(
    job: Job, config: Config, strategy: tf.distribute.Strategy, workers: Workers, workdir: Path
) -> list[Figures]:
    if config.images or config.sample_size:
        prepare_records(source=_source(config), records=Path(config.records), jobs=config.jobs)
    else:
        take_changes(Path(config.records))
    begun = (workdir / RUN_FLAGFILE).is_file()
    choose_versions(config)
    take_choices(config)
    save_settings(config)
    workers.wait()
    with timed_training(workdir, begun=begun):
        rows = run_rounds(config, strategy, workers)
    if not exported_versions(workdir / "export"):
        job.begin("export")
        export_run(config)
    job.begin("report")
    write_report(config, rows)  # which shows what the export finds
    workers.wait()
    return rows


def _job(config: Config, workdir: Path) -> Job:
    """The run as a job, of which the screen and files in its workdir are told."""
    watchers = [ProgressFile(workdir / PROGRESS)]
    if not is_quiet():
        watchers.append(Screen())
    if config.json_log:
        watchers.append(EventFile(workdir / EVENTS))
    stages = run_stages(config, count_photos(config))
    return Job(stages, done=done_stages(config), watchers=watchers)


def _source(config: Config) -> Source:
    return Source(
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
        recursive=config.walks,
    )


def _print(run: Run) -> None:
    print_truth_notice(run.config)
    if note := rounds_note(run.config):
        print(f"{note}\n")
    print(table_text(run.rows) or "no truth masks were given, so nothing is scored")
    print(f"report: {run.report}\nmodel:  {run.export}\nlogs:   tensorboard --logdir={run.workdir}")


def _help_train(
    config: Config, strategy: tf.distribute.Strategy, workers: Workers
) -> tuple[Figures, ...]:
    """Trains beside the chief in the workdir that it prepared, until it has exported."""
    workers.wait()
    config = without_methods(config)
    check_joined(config)
    rows = run_rounds(config, strategy, workers)
    workers.wait()
    return tuple(rows)
