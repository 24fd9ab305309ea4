"""The pictures of the pages of labels: photos are named by their place in the records alone."""

import flask

from deepusps_tf.studio.gallery import Gallery, View

SMALL, LARGE = 240, 720  # sides


def add_pictures(pages: flask.Blueprint, gallery: Gallery) -> None:
    """Lets pages ask for pictures.

    Args:
        pages: of the labels.
        gallery: has them.
    """

    @pages.get("/pictures/<key>/<int:column>/<int:place>-<int:side>.jpg")
    def picture(key: str, column: int, place: int, side: int) -> flask.Response:
        view = view_of(gallery)
        if key != view.key or column > len(view.columns) or side not in (SMALL, LARGE):
            flask.abort(404, "the labels are others now; load the page again")
        data = gallery.picture(view, column, known_place(gallery, place), side)
        answer = flask.Response(data, mimetype="image/jpeg")
        answer.headers["Cache-Control"] = "private, max-age=3600"
        return answer

    @pages.get("/photos/<int:place>")
    def photo(place: int) -> flask.Response:
        data = gallery.stored_photo(known_place(gallery, place))
        return flask.Response(data, mimetype="image/png" if is_png(data) else "image/jpeg")

    @pages.get("/maps/<method>/<int:place>.png")
    def stored_map(method: str, place: int) -> flask.Response:
        check_method(gallery, method)
        data = gallery.stored_map(method, known_place(gallery, place))
        return flask.Response(data, mimetype="image/png")


def view_of(gallery: Gallery) -> View:
    """The newest view; where none is ready, the request ends with 503."""
    view = gallery.view()
    if view is None:
        flask.abort(503, "labels are being read; try again in some seconds")
    return view


def known_place(gallery: Gallery, place: object) -> int:
    """A photo's place in record order; where there is no such photo, the request ends with 404."""
    if type(place) is not int or not 0 <= place < len(gallery.ids):
        flask.abort(404, "no such photo")
    return place


def check_method(gallery: Gallery, method: object) -> None:
    """Ends the request with 404 where the run has no such method."""
    if not isinstance(method, str) or method not in gallery.labels.maps:
        flask.abort(404, "no such method")


def is_png(data: bytes) -> bool:
    """Whether a stored photo is a PNG; else it is a JPEG."""
    return data[1:4] == b"PNG"
