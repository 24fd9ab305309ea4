"""Another run that a report compares with, photo by photo."""

import dataclasses
from pathlib import Path

from data_prep.base.errors import InputError
from deepusps_tf.data.photo_sets import PhotoSets, trained_on
from deepusps_tf.reporting.charts import Chart, error_chart
from deepusps_tf.reporting.judgement import Judgement
from deepusps_tf.runs.chosen import training_records
from deepusps_tf.runs.workdir import saved_run
from deepusps_tf.settings.config import Config


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """Another run, and the photos to compare by that it was trained on, None where not known."""

    config: Config
    seen: frozenset[str] | None

    @property
    def name(self) -> str:
        """What charts and galleries call it."""
        return Path(self.config.workdir).name


def compared_run(config: Config, photos: PhotoSets) -> ComparedRun | None:
    """Reads the settings of the run that `compare` names, where it names one, and its photos.

    Raises:
        InputError: where it holds no run, or there is no photo to compare by, with a mask and not
            trained on there.
    """
    if not config.compare:
        return None
    if not photos.masked():
        raise InputError(
            f"{config.records}: no photos with masks to compare runs on; "
            "choose other --records, or leave --compare out"
        )
    # With records of its own.
    other = saved_run(
        Config(mode="report", workdir=config.compare, crf_processes=config.crf_processes)
    )
    split, images = photos.judged()
    if split == "train" and config.oracle != "none":
        raise InputError(
            f"{config.workdir}: was trained on the truth of all photos that it would be compared "
            "by; leave --compare out"
        )
    if split == "train" and other.oracle == "none":
        return ComparedRun(other, frozenset())  # as unfair to both: this one was trained on all
    seen = trained_on(training_records(other), images)
    if seen == frozenset(images.ids):
        raise InputError(
            f"{config.compare}: was trained on all photos that it would be compared by; "
            "choose other --records, or leave --compare out"
        )
    return ComparedRun(other, seen)


def errors_compared(config: Config, compared: ComparedRun, judged: Judgement) -> Chart:
    """Draws a run's errors against those of another."""
    other, seen = compared.config, compared.seen
    errors, theirs = judged.errors, judged.their_errors
    keys = [key for key in errors if key not in (seen or ())]
    chart = error_chart([errors[key] for key in keys], [theirs[key] for key in keys], compared.name)
    text = (
        f"Each photo's error here, {_after(config)}, and in {other.workdir}, {_after(other)}; "
        "on the line they are the same."
    )
    if seen is None:
        text += (
            f" Whether that run was trained on some of them is not known: {other.records}, its "
            "records, are no longer there."
        )
    elif seen:
        text += f" Left out: {len(seen)} of {len(errors)} photos, which that run was trained on."
    return Chart(f"Errors against {compared.name}", text, chart)


def _after(config: Config) -> str:
    return "after its CRF" if config.crf else "without CRF"
