"""The pages of a run's training photos: their labels, sorted by disagreement, and one photo's."""

from pathlib import PurePosixPath

import flask

from data_prep.records.choices import Choices
from deepusps_tf.studio.chooser import Chooser
from deepusps_tf.studio.gallery import Gallery
from deepusps_tf.studio.label_choices import add_choices, chosen
from deepusps_tf.studio.label_pictures import (
    LARGE,
    SMALL,
    add_pictures,
    is_png,
    known_place,
)

A_PAGE = 24  # photos
_SHOWN = ("all", "out")


def label_pages(gallery: Gallery, chooser: Chooser) -> flask.Blueprint:
    """Makes the pages, and what they ask for.

    Args:
        gallery: shows the labels.
        chooser: keeps the choices.
    """
    pages = flask.Blueprint("labels", __name__)
    add_pictures(pages, gallery)
    add_choices(pages, gallery, chooser)
    pages.add_app_template_global({"small": SMALL, "large": LARGE}, "sides")

    @pages.get("/labels")
    def overview() -> str:
        return _overview(gallery, chooser)

    @pages.get("/labels/<int:place>")
    def one(place: int) -> str:
        return _one(gallery, chooser, known_place(gallery, place))

    return pages


def _overview(gallery: Gallery, chooser: Chooser) -> str:
    view = gallery.view()
    if view is None:
        return flask.render_template("reading.html.jinja", count=len(gallery.ids))
    arguments, choices = flask.request.args, chooser.choices()
    shown, find = arguments.get("show"), arguments.get("find", "").strip()[:200]
    out = set(choices.photos)
    places = [
        place
        for place in view.order
        if find.lower() in gallery.ids[place].lower()
        and (shown != "out" or gallery.ids[place] in out)
    ]
    last = max(1, -(-len(places) // A_PAGE))
    page = min(max(arguments.get("page", 1, type=int), 1), last)
    return flask.render_template(
        "labels.html.jinja",
        view=view,
        ids=gallery.ids,
        places=places[(page - 1) * A_PAGE : page * A_PAGE],
        found=len(places),
        page=page,
        last=last,
        shown=shown if shown in _SHOWN else "all",
        find=find,
        choices=choices,
        out=out,
        before=_before(gallery, choices),
        **chosen(chooser, choices),
    )


def _one(gallery: Gallery, chooser: Chooser, place: int) -> str:
    view, choices, photo_id = gallery.view(), chooser.choices(), gallery.ids[place]
    if view is None:
        return flask.render_template("reading.html.jinja", count=len(gallery.ids))
    return flask.render_template(
        "photo.html.jinja",
        view=view,
        place=place,
        photo_id=photo_id,
        stem=PurePosixPath(photo_id).name,
        suffix="png" if is_png(gallery.stored_photo(place)) else "jpg",
        size=gallery.photo_size(place),
        out=photo_id in choices.photos,
        redrawn={method for method, of in choices.redrawn if of == photo_id},
    )


def _before(gallery: Gallery, choices: Choices) -> list[str]:
    """What was left out before this run began, so that its pages do not have it."""
    photos = set(choices.photos) - set(gallery.ids)
    methods = set(choices.methods) - set(gallery.labels.maps)
    return sorted(photos) + sorted(f"the method {method}" for method in methods)
