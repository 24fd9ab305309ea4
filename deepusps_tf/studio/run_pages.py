"""The page of a run's progress."""

from pathlib import Path

import flask

from deepusps_tf.settings.config import Config
from deepusps_tf.studio.newest_pictures import newest_pictures
from deepusps_tf.studio.progress import Progress, read_progress


def run_pages(config: Config) -> flask.Blueprint:
    """Makes the page, and what it asks for.

    Args:
        config: of the run, as `saved_run` gives it.
    """
    pages = flask.Blueprint("run", __name__)
    workdir = Path(config.workdir)

    @pages.get("/run")
    def page() -> str:
        progress = read_progress(config)
        words, pictures = newest_pictures(workdir, progress)
        return flask.render_template(
            "run.html.jinja",
            name=config.experiment or workdir.resolve().name,
            progress=progress,
            state=in_words(progress),
            when=words,
            pictures=range(len(pictures)),
        )

    @pages.get("/run/<int:number>.png")
    def picture(number: int) -> flask.Response:
        _, pictures = newest_pictures(workdir, read_progress(config))
        if number >= len(pictures):
            flask.abort(404, "no such picture")
        return flask.Response(pictures[number], mimetype="image/png")

    return pages


def in_words(progress: Progress) -> str:
    """How far a run is, in a line."""
    count, current = len(progress.stages), progress.current
    if current is None:
        return "finished" if progress.exported else "trained; its report and model are being made"
    stage = progress.stages[current]
    words = f"stage {current + 1} of {count}: {stage.name}, epoch {stage.done} of {stage.epochs}"
    if progress.running is False:
        return f"{words}; no process here trains it now, its command goes on from there"
    left = progress.minutes_left
    return words if left is None else f"{words}, about {_minutes(left)} left"


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "a minute"
    if minutes < 90:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.1f} hours"
