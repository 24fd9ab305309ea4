import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.pictures.images import read_rgb
from data_prep.records.choices import read_choices
from deepusps_tf.studio import label_pages
from tests.deepusps_tf.studio.conftest import OWN


def png(shape, value=255) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full(shape, value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def choose(studio, **asked):
    return studio.post("/choices", json=asked, headers=OWN)


def shown(page) -> list[int]:
    return [int(place) for place in re.findall(r'<article class="card[^"]*" id="p(\d+)"', page)]


def test_photos_are_sorted_by_disagreement_a_page_at_a_time(studio, gallery, monkeypatch):
    order = list(gallery.view().order)
    page = studio.get("/labels").text
    assert shown(page) == order and "<b>rbd</b> round 1" in page and "<b>mc</b> map, cut at" in page
    assert "<b>now</b> mean of all methods" in page
    monkeypatch.setattr(label_pages, "A_PAGE", 4)
    assert shown(studio.get("/labels?page=2").text) == order[4:8]
    assert shown(studio.get("/labels?page=99").text) == order[8:]
    assert shown(studio.get("/labels?page=x&find=PHOTO003").text) == [gallery.ids.index("photo003")]


def test_pictures_of_the_view_alone_are_given(studio, gallery):
    key = gallery.view().key
    for column in range(4):
        answer = studio.get(f"/pictures/{key}/{column}/3-240.jpg")
        assert read_rgb(answer.data).shape == (40, 48, 3), column
    label = read_rgb(studio.get(f"/pictures/{key}/1/3-240.jpg").data)
    assert abs(int(label.mean()) - 75) <= 1
    for gone in (f"{key}/4/3-240", f"{key}/0/10-240", f"{key}/0/3-241", "0/0/3-240"):
        assert studio.get(f"/pictures/{gone}.jpg").status_code == 404, gone


def test_a_photo_is_left_out_and_taken_back(studio, run, gallery):
    file, place = Path(run.workdir) / "choices.txt", gallery.ids.index("photo004")
    file.write_text("# mine\nwithout method: mc\n")
    answer = choose(studio, kind="photo", photo=place, wanted=True)
    assert answer.json["summary"] == "1 photo left out, 1 method left out"
    assert answer.json["command"] == (
        f"deepusps train \\\n    --flagfile={run.workdir}/config.flags \\\n"
        f"    --workdir={run.workdir}-2 \\\n    --choices={file}"
    )
    assert file.read_text().splitlines()[1:] == [
        *("# mine", "without method: mc", "without photo: photo004"),
    ]
    assert shown(studio.get("/labels?show=out").text) == [place]
    choose(studio, kind="photo", photo=place, wanted=False)
    choose(studio, kind="method", method="mc", wanted=False)
    assert not read_choices(file) and "# mine" in file.read_text()


def test_a_redrawn_map_is_taken_and_given_up(studio, run, gallery):
    place = gallery.ids.index("photo004")
    taken = studio.post(f"/maps/rbd/{place}", data=png((80, 96)), headers=OWN)
    assert taken.json["summary"] == "1 map redrawn"
    path = Path(run.workdir) / "redrawn/rbd/photo004.png"
    kept = np.asarray(Image.open(path))
    assert kept.shape == (40, 48) and (kept == 255).all()
    assert "A redrawn map is taken" in studio.get(f"/labels/{place}").text
    wrong = studio.post(f"/maps/rbd/{place}", data=png((40, 40)), headers=OWN)
    assert (wrong.status_code, wrong.text) == (
        422,
        "the map: is 40x40, its photo 48x40; give the map the photo's size\n",
    )
    damaged = studio.post(f"/maps/rbd/{place}", data=b"x", headers=OWN)
    assert damaged.status_code == 422 and damaged.text.startswith("the map: ")
    choose(studio, kind="map", method="rbd", photo=place, wanted=False)
    assert not read_choices(Path(run.workdir) / "choices.txt")


def test_the_map_to_paint_on_and_the_photo_are_given_as_stored(studio, gallery):
    assert studio.get("/maps/mc/2.png").data == gallery.stored_map("mc", 2)
    assert studio.get("/photos/2").data == gallery.stored_photo(2)


@pytest.mark.parametrize(
    "asked",
    [
        *({}, [], {"wanted": True}, {"kind": "photo", "wanted": 1, "photo": 0}),
        *({"kind": "photo", "photo": place, "wanted": True} for place in (-1, 10, "0", True, None)),
        *({"kind": "method", "method": name, "wanted": True} for name in ("hs", ["rbd"], "../x")),
        {"kind": "map", "method": "rbd", "photo": 0, "wanted": True},
        {"kind": "x", "wanted": True},
    ],
)
def test_what_is_no_choice_changes_nothing(studio, run, asked):
    answer = studio.post("/choices", json=asked, headers=OWN)
    assert answer.status_code in (400, 404) and answer.text.count("\n") == 1
    assert not (Path(run.workdir) / "choices.txt").exists()
