"""The page on which a photo is tried."""

import re

import flask

from data_prep.base.errors import InputError
from deepusps_tf.serving.model_facts import ModelFacts
from deepusps_tf.serving.refinement import in_words
from deepusps_tf.studio.trials import KINDS, SHOWN, Trials

_LONGEST_NAME = 200


def trial_pages(trials: Trials) -> flask.Blueprint:
    """Makes the page, and what it asks for.

    Args:
        trials: predicts the photos.
    """
    pages = flask.Blueprint("trial", __name__)

    @pages.get("/")
    def page() -> str:
        try:
            model = trials.model()
        except InputError as error:  # a run that is not finished has none yet
            return flask.render_template("no_model.html.jinja", line=str(error))
        return flask.render_template(
            "trial.html.jinja",
            kinds=KINDS,
            model_name=(model.facts and model.facts.name) or model.name,
            facts=_told(model.facts),
            limits=model.facts.limits if model.facts else (),
        )

    @pages.post("/trials")
    def add() -> dict:
        name = flask.request.args.get("name", "")[:_LONGEST_NAME]
        trial = trials.add("".join(filter(str.isprintable, name)), flask.request.stream)
        return trial._asdict()

    @pages.get("/trials/<int:number>/<kind>")
    def picture(number: int, kind: str) -> flask.Response:
        path = trials.picture(number, re.sub(r"\.(png|jpg)$", "", kind))
        if path is None:
            flask.abort(404, "not kept any more; try the photo again")
        answer = flask.send_file(path, max_age=0)
        del answer.headers["Content-Disposition"]  # which would come before the name of the page
        return answer

    pages.add_app_template_global(SHOWN, "shown_kind")
    return pages


def _told(facts: ModelFacts | None) -> list[tuple[str, str]]:
    """What a model says of itself, as names and values."""
    if facts is None:
        return []
    told = [
        ("network", facts.network),
        ("input", f"{facts.size} x {facts.size} pixels" if facts.size else None),
        ("trained on", _photos(facts)),
        ("methods", ", ".join(facts.methods)),
        ("refined by", in_words(facts.own_crf) if facts.knows_crf else None),
    ]
    for each in facts.figures:
        if each.output.endswith("CRF") or not facts.refined:
            f, mae = each.scores.get("f_fixed"), each.scores.get("mae")
            if f is not None and mae is not None:
                told.append((each.test_set, f"F {100 * f:.1f} %, MAE {100 * mae:.1f} %"))
    return [(name, value) for name, value in told if value]


def _photos(facts: ModelFacts) -> str | None:
    if facts.photos is None:
        return facts.trained_on
    return f"{facts.photos:,} photos" + (f" of {facts.trained_on}" if facts.trained_on else "")
