"""When, on what and from what a run was made, where its model lies, and what to do with it."""

import dataclasses
import shlex
from pathlib import Path

from deepusps_tf.labels.crf_pool import crf_of_settings
from deepusps_tf.runs.training_time import read_training
from deepusps_tf.serving.model_card import duration_in_words, machine_in_words
from deepusps_tf.serving.refinement import in_words
from deepusps_tf.settings.config import Config


@dataclasses.dataclass(frozen=True)
class RunSummary:
    """What a reader needs of a run beside its results.

    Attributes:
        when: date, duration and machine of the training, in words; empty where not known.
        facts: what else it was made with, by name.
        commands: what to do next: what for, and the command.
    """

    when: str
    facts: dict[str, str]
    commands: tuple[tuple[str, str], ...]


def summarise(config: Config, model: Path | None, photos: int, *, scored: bool) -> RunSummary:
    """Collects the summary of a finished run.

    Args:
        config: of the run.
        model: its export, or None.
        photos: how many it was trained on.
        scored: whether it has figures.

    Raises:
        InputError: where the file that keeps the training's time is damaged.
    """
    training = read_training(Path(config.workdir))
    facts = {
        "model": str(model) if model else "not exported",
        "network": f"{config.backbone} at {config.size}x{config.size}",
        "photos": f"{photos:,}",
        "methods": ", ".join(config.method_names),
        "refined by": in_words(crf_of_settings(config)),
    }
    when = ""
    if training:
        when = f"Trained on {training.date}"
        if training.seconds is not None:
            when += f" in {duration_in_words(training.seconds)}"
        if training.machine:
            facts["hardware"] = machine_in_words(training.machine)
            when += f", on {facts['hardware']}"
        facts["versions"] = ", ".join(f"{name} {v}" for name, v in training.versions.items())
        facts["commit"] = training.commit or "not from a clone"
    return RunSummary(when, facts, _commands(config, model, scored=scored))


def _commands(config: Config, model: Path | None, *, scored: bool) -> tuple[tuple[str, str], ...]:
    workdir = shlex.quote(config.workdir)
    if model is None:
        return (("Make a model of it", f"deepusps export --workdir={workdir}"),)
    export = shlex.quote(str(model.parent))
    use = (
        "Cut out a folder of photos",
        f"deepusps predict --model={export} --images=PHOTOS --as=cutout --output=CUTOUTS",
    )
    evaluate = f"deepusps evaluate --workdir={workdir} --images=PHOTOS --masks=MASKS"
    what = "Score it on other photos" if scored else "Mask a few dozen photos by hand and score it"
    return use, (what, evaluate)
