"""What the pages of labels ask to change: the choices for the next training."""

import flask

from data_prep.records.choices import Choices, map_line, method_line, photo_line
from deepusps_tf.studio.chooser import Chooser
from deepusps_tf.studio.gallery import Gallery
from deepusps_tf.studio.label_pictures import check_method, known_place


def add_choices(pages: flask.Blueprint, gallery: Gallery, chooser: Chooser) -> None:
    """Lets pages change what is chosen.

    Args:
        pages: of the labels.
        gallery: knows the photos and methods.
        chooser: keeps the choices.
    """

    @pages.post("/choices")
    def choose() -> dict:
        line, wanted = _asked(gallery)
        chooser.choose(line, wanted=wanted)
        return chosen(chooser, chooser.choices())

    @pages.post("/maps/<method>/<int:place>")
    def take_map(method: str, place: int) -> dict:
        check_method(gallery, method)
        photo_id, size = gallery.ids[known_place(gallery, place)], gallery.photo_size(place)
        chooser.take_map(method, photo_id, size, flask.request.stream)
        return chosen(chooser, chooser.choices())


def chosen(chooser: Chooser, choices: Choices) -> dict[str, str]:
    """What is chosen, for a page: in words, the command that trains with it, and the file."""
    counts = (
        (len(choices.photos), "photo", "left out"),
        (len(choices.methods), "method", "left out"),
        (len(choices.redrawn), "map", "redrawn"),
    )
    told = [f"{n} {what}{'s' * (n != 1)} {how}" for n, what, how in counts if n]
    return {
        "summary": ", ".join(told) or "nothing is chosen yet",
        "command": chooser.command() if choices else "",
        "file": str(chooser.file),
    }


def _asked(gallery: Gallery) -> tuple[str, bool]:
    """The line that a page asks to add, or to take out."""
    asked = flask.request.get_json(silent=True)
    if not isinstance(asked, dict) or not isinstance(asked.get("wanted"), bool):
        flask.abort(400, "not a choice")
    kind, method, place = (asked.get(name) for name in ("kind", "method", "photo"))
    if kind == "photo":
        return photo_line(gallery.ids[known_place(gallery, place)]), asked["wanted"]
    if kind == "method":
        check_method(gallery, method)
        return method_line(method), asked["wanted"]
    if kind != "map" or asked["wanted"]:  # a map is given with its file
        flask.abort(400, "not a choice")
    check_method(gallery, method)
    return map_line(method, gallery.ids[known_place(gallery, place)]), False
