"""Exports the network of a finished run."""

import dataclasses
from pathlib import Path

from deepusps_tf.reporting.run_facts import run_facts
from deepusps_tf.runs.round_result import load_fusion
from deepusps_tf.runs.workdir import saved_run
from deepusps_tf.serving.export import export_model
from deepusps_tf.serving.portable import write_portable
from deepusps_tf.settings.config import Config


def export(config: Config) -> None:
    """Exports the fused network of a workdir as one more version, or as one file."""
    saved = saved_run(config)
    if "serving_refinement" in config.given:
        saved = dataclasses.replace(saved, serving_refinement=config.serving_refinement)
    if config.format == "saved_model":
        path = export_run(saved)
    else:
        network = load_fusion(saved)
        path = write_portable(
            network=network,
            size=saved.size,
            folder=Path(config.workdir),
            form=config.format,
            facts=run_facts(saved, network),
        )
    print(f"model: {path}")


def export_run(config: Config) -> Path:
    """Exports the fused network of a finished run as the next version for TF Serving."""
    network = load_fusion(config)
    return export_model(
        network=network,
        size=config.size,
        folder=Path(config.workdir) / "export",
        facts=run_facts(config, network),
    )
