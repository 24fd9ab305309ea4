"""Makes a salient-object segmentation model from photos without labels, and uses it.

python -m deepusps_tf.main --flagfile=configs/demo.flags
python -m deepusps_tf.main --flagfile=configs/cpu.flags --images=DIR
python -m deepusps_tf.main --mode=evaluate --workdir=DIR --images=DIR --masks=DIR
python -m deepusps_tf.main --mode=predict --model=DIR --images=DIR --output=DIR
"""

# Heavy imports wait inside the modes, so that --help is quick and the CRF's processes, which import
# this module too, stay free of TensorFlow.
import dataclasses
import os
import sys
from pathlib import Path

from absl import app, flags, logging

from data_prep.base.command import say
from data_prep.base.errors import InputError
from deepusps_tf.settings import flagfile
from deepusps_tf.settings.config import Config
from deepusps_tf.settings.flagfile import define_flags, from_flags, read_flagfile


def train(config: Config) -> None:
    """Trains a run, or each of its repeats."""
    from deepusps_tf.distribution.devices import make_strategy
    from deepusps_tf.distribution.workers import Workers
    from deepusps_tf.runs.workdir import repeat_runs

    strategy = make_strategy(config.devices)  # first: TensorFlow splits a CPU only at its start
    workers = Workers(strategy)
    with workers.stops_named():
        for run in repeat_runs(config):
            if workers.is_chief:
                _train(run, strategy)
            else:
                _help_train(run, strategy)
    if config.repeats > 1 and workers.is_chief:
        print(f"table:  python -m deepusps_tf.main --mode=table --workdirs={config.workdir}")


def _train(config: Config, strategy) -> None:
    """Prepares records where absent, runs all rounds and fusion, reports and exports."""
    from data_prep.prepare import Source, prepare_records
    from deepusps_tf.distribution.workers import Workers
    from deepusps_tf.reporting.report import write_report
    from deepusps_tf.runs.workdir import locked_workdir, rounds_note, save_settings
    from deepusps_tf.scoring.stages import table_text
    from deepusps_tf.serving.export import exported_versions
    from deepusps_tf.training.label_rounds import run_rounds
    from deepusps_tf.training.trainer import check_settings

    workers = Workers(strategy)
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
        rows = run_rounds(config, strategy)
        page = write_report(config, rows)
        if not exported_versions(workdir / "export"):
            _export(config)
        workers.wait()
    _print_truth_notice(config)
    if note := rounds_note(config):
        print(f"{note}\n")
    print(table_text(rows) or "no truth masks were given, so nothing is scored")
    print(f"report: {page}\nmodel:  {workdir / 'export'}\nlogs:   tensorboard --logdir={workdir}")


def _help_train(config: Config, strategy) -> None:
    """Trains beside the chief in the workdir that it prepared, until it has exported."""
    from deepusps_tf.distribution.workers import Workers
    from deepusps_tf.runs.workdir import check_joined
    from deepusps_tf.training.label_rounds import run_rounds

    workers = Workers(strategy)
    workers.wait()
    check_joined(config)
    run_rounds(config, strategy)
    workers.wait()


def evaluate(config: Config) -> None:
    """Scores runs, an exported model or maps on a labelled set, and keeps the figures."""
    from deepusps_tf.evaluation.evaluate import evaluations
    from deepusps_tf.runs.workdir import SETTINGS, runs_in
    from deepusps_tf.scoring.store import cards_text, keep_cards

    for folder, cards in evaluations(config):
        keep_cards(folder, cards)
        print(f"{cards_text(cards)}\nfigures: {folder}/evaluation.json, evaluation.csv")
    if config.workdir:
        for run in runs_in(Path(config.workdir)):
            _print_truth_notice(read_flagfile(run / SETTINGS))


def table(config: Config) -> None:
    """Compares runs by their figures: as Markdown, then as CSV."""
    from data_prep.base.files import write_text
    from deepusps_tf.evaluation.comparison import compare, csv_text, markdown

    rows = compare([Path(workdir) for workdir in config.workdirs], crf=config.crf)
    texts = {"table.md": markdown(rows), "table.csv": csv_text(rows)}
    print("\n".join(texts.values()), end="")
    if config.output:
        Path(config.output).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(f"{config.output}/{name}", text)


def report(config: Config) -> None:
    """Writes the report of a workdir again, under another name where one is given."""
    from deepusps_tf.reporting.report import write_report
    from deepusps_tf.runs.workdir import saved_run
    from deepusps_tf.scoring.stages import collect_rows

    saved = saved_run(config)
    saved = dataclasses.replace(saved, experiment=config.experiment or saved.experiment)
    print(f"report: {write_report(saved, collect_rows(saved))}")


def export(config: Config) -> None:
    """Exports the fused network of a workdir as one more version, or as one file."""
    from deepusps_tf.runs.round_result import load_fusion
    from deepusps_tf.runs.workdir import saved_run
    from deepusps_tf.serving.portable import write_portable

    saved = saved_run(config)
    if config.format == "saved_model":
        path = _export(saved)
    else:
        path = write_portable(
            network=load_fusion(saved),
            size=saved.size,
            folder=Path(config.workdir),
            form=config.format,
        )
    print(f"model: {path}")


def predict(config: Config) -> None:
    """Writes a mask, a probability map or a cutout of each photo of a folder, or of one photo."""
    from deepusps_tf.labels.crf_pool import start_crf
    from deepusps_tf.serving.predict import predict_photos
    from deepusps_tf.serving.saliency_model import load_model

    model = load_model(config.model)
    with start_crf(config, one_pass=True) as pool:
        summary = predict_photos(
            model=model,
            images=Path(config.images),
            output=Path(config.output),
            kind=config.prediction,
            pool=pool,
        )
    for reason in summary.skipped.values():
        print(f"left out: {reason}", file=sys.stderr)
    print(f"{summary.written} pictures written, {summary.kept} kept, in {config.output}")


def _print_truth_notice(config: Config) -> None:
    if config.truth_notice:
        print(f"*** {config.truth_notice} ***\n")


def _export(config: Config) -> Path:
    from deepusps_tf.runs.round_result import load_fusion
    from deepusps_tf.serving.export import export_model

    network = load_fusion(config)
    return export_model(network=network, size=config.size, folder=Path(config.workdir) / "export")


MODES = {
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "export": export,
    "report": report,
    "table": table,
}


def main(arguments: list[str]) -> int:
    """Runs the mode the flags name; a user's mistake ends with one line and status 2."""
    try:
        if len(arguments) > 1:
            raise InputError(f"{arguments[1]}: not a flag; flags are written --name=value")
        config = from_flags()
        MODES[config.mode](config)
    except InputError as error:
        say(f"error: {error}")
        return 2
    except OSError as error:
        where = "" if error.filename else f"{config.workdir or config.output}: "
        say(f"error: {where}{error}; mend that and run the same command again")
        return 1
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    # TensorFlow's start-up chatter about CUDA and oneDNN says nothing about the run.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.set_verbosity(logging.INFO)
    define_flags()
    flags.adopt_module_key_flags(flagfile)  # so that --help lists them
    app.run(main)
