"""Writes masks, probability maps or cutouts of photos."""

import json
from pathlib import Path

from data_prep.base.command import say
from data_prep.base.errors import InputError
from data_prep.base.files import write_text
from deepusps_tf.serving.predict import PredictionSummary, predict_photos
from deepusps_tf.serving.refinement import crf_by_flags, start_pool
from deepusps_tf.serving.starter import open_chosen
from deepusps_tf.settings.config import Config

SOME_SKIPPED = 3  # what --strict ends with


def predict(config: Config) -> int:
    """Writes a mask, a probability map or a cutout of each photo of a folder, or of one photo.

    The model's own CRF refines them, unless flags choose another.

    Returns:
        The status to end with: `SOME_SKIPPED` where `--strict` asks for it, else 0.

    Raises:
        InputError: as `predict_photos`, and where no photo could be read.
    """
    model = open_chosen(config.model or None)
    crf = crf_by_flags(config, model.facts, model.name)
    with start_pool(crf, config.crf_processes) as pool:
        summary = predict_photos(
            model=model,
            images=Path(config.images),
            output=Path(config.output),
            kind=config.prediction,
            pool=pool,
            recursive=config.walks,
        )
    if config.summary:
        Path(config.summary).parent.mkdir(parents=True, exist_ok=True)
        write_text(config.summary, summary_text(config, summary, model.name))
    if summary.passed_over:
        say(summary.passed_over.line)
    if summary.skipped and not summary.written + summary.kept:
        raise InputError(next(iter(summary.skipped.values())))
    for reason in summary.skipped.values():
        say(f"left out: {reason}")
    print(f"{summary.written} pictures written, {summary.kept} kept, in {config.output}")
    return SOME_SKIPPED if config.strict and summary.skipped else 0


def summary_text(config: Config, summary: PredictionSummary, model: str) -> str:
    """What became of every file, as JSON.

    Args:
        config: names the photos and the output, and the model where one was chosen.
        summary: what was done.
        model: the name of the model.
    """
    passed_over = summary.passed_over.reasons
    text = {
        "images": config.images,
        "model": config.model or model,
        "output": config.output,
        "as": config.prediction,
        "written": summary.written,
        "kept": summary.kept,
        "skipped": len(summary.skipped),
        "passed over": len(passed_over),
        "files": list(summary.files(Path(config.images))),
    }
    return json.dumps(text, indent=2, ensure_ascii=False) + "\n"
