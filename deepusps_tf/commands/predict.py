"""Writes masks, probability maps or cutouts of photos."""

import sys
from pathlib import Path

from deepusps_tf.labels.crf_pool import start_crf
from deepusps_tf.serving.predict import predict_photos
from deepusps_tf.serving.saliency_model import load_model
from deepusps_tf.settings.config import Config


def predict(config: Config) -> None:
    """Writes a mask, a probability map or a cutout of each photo of a folder, or of one photo."""
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
