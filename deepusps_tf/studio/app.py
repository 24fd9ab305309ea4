"""The pages and what stands behind them, as one Flask application."""

from collections.abc import Sequence

import flask
from werkzeug.exceptions import HTTPException

from data_prep.base.errors import InputError
from deepusps_tf.studio.guard import guard

MAX_UPLOAD = 50_000_000  # bytes
_NAMED = {"trial.page": "Try a photo", "labels.overview": "Labels", "run.page": "Run"}


def make_app(pages: Sequence[flask.Blueprint]) -> flask.Flask:
    """Makes the application.

    Args:
        pages: those of `trial_pages` first, then of a run.
    """
    app = flask.Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_UPLOAD
    # Flask alone would take `.html.jinja` for text, in which nothing is escaped.
    app.jinja_options = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    guard(app)
    for each in pages:
        app.register_blueprint(each)
    nav = [(endpoint, text) for endpoint, text in _NAMED.items() if endpoint in app.view_functions]
    app.jinja_env.globals.update(max_upload=MAX_UPLOAD, nav=nav)
    app.register_error_handler(Exception, _told)
    return app


def _told(error: Exception) -> flask.Response | HTTPException:
    """One line of what went wrong, which the page shows."""
    if isinstance(error, HTTPException):
        if (error.code or 500) < 400:
            return error
        status, line = error.code, error.description
        if status == 413:
            line = f"more than {MAX_UPLOAD // 1_000_000} MB; give a smaller file"
    elif isinstance(error, InputError):
        status, line = 422, str(error)
    elif isinstance(error, OSError):
        status, line = 500, f"{error.strerror or error}; mend that and try again"
    else:
        flask.current_app.logger.error("a request failed", exc_info=error)
        status, line = 500, "the program failed here; its terminal says how"
    return flask.Response(f"{line}\n", status or 500, mimetype="text/plain")
