import dataclasses

import pytest

from data_prep.pictures.images import read_rgb
from deepusps_tf.studio.app import MAX_UPLOAD
from tests.deepusps_tf.serving.described import FACTS
from tests.deepusps_tf.studio.conftest import OWN, photo_file


def test_a_photo_is_tried(client):
    answer = client.post("/trials?name=a.png", data=photo_file(), headers=OWN)
    assert answer.status_code == 200
    assert answer.json["width"], answer.json["height"] == (96, 80)
    for picture, mode in (("mask.png", "image/png"), ("shown.jpg", "image/jpeg")):
        got = client.get(f"/trials/{answer.json['number']}/{picture}")
        assert got.mimetype == mode and read_rgb(got.data).shape == (80, 96, 3)
    gone = client.get("/trials/99/mask.png")
    assert (gone.status_code, gone.text) == (404, "not kept any more; try the photo again\n")


def test_the_page_says_what_the_model_is_and_escapes_it(client, model, monkeypatch):
    facts = dataclasses.replace(FACTS, name="<script>alert(1)</script>")
    monkeypatch.setattr(model, "facts", facts)
    page = client.get("/").text
    assert "&lt;script&gt;alert(1)" in page and "<script>" not in page
    assert "1,000 photos of meadows" in page and "F 85.2 %, MAE 7.4 %" in page


def test_a_photo_that_cannot_be_read_ends_in_a_line(client):
    answer = client.post("/trials?name=%3Cb%3E%0A.jpg", data=b"x", headers=OWN)
    assert answer.status_code == 422 and answer.mimetype == "text/plain"
    assert answer.text.startswith("<b>.jpg: is no picture") and answer.text.count("\n") == 1


def test_uploads_are_bounded(client):
    answer = client.post(
        "/trials", data=b"", headers=OWN, environ_overrides=_length(MAX_UPLOAD + 1)
    )
    assert (answer.status_code, answer.text) == (413, "more than 50 MB; give a smaller file\n")


def _length(count):
    return {"CONTENT_LENGTH": str(count)}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8421", 200),
        ("localhost:9", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.0.0.1@evil.example", 403),
        ("", 403),
        ("[::", 403),
    ],
)
def test_other_names_do_not_lead_here(client, host, status):
    answer = client.get("/", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == status


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:9"])
def test_pages_of_others_may_not_change_anything(client, origin):
    headers = {} if origin is None else {"Origin": origin}
    answer = client.post("/trials", data=photo_file(), headers=headers)
    assert (answer.status_code, answer.text) == (
        403,
        "only a page of this server may ask for that\n",
    )


@pytest.mark.parametrize("path", ["/", "/gone", "/static/studio.js", "/static/studio.css"])
def test_pages_load_nothing_from_elsewhere(client, path):
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ") and "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")


def test_a_failure_of_the_program_is_a_line_too(client, model, monkeypatch, caplog):
    monkeypatch.setattr(model, "predict", lambda _: 1 / 0)
    answer = client.post("/trials", data=photo_file(), headers=OWN)
    assert (answer.status_code, answer.text) == (
        500,
        "the program failed here; its terminal says how\n",
    )
    assert "ZeroDivisionError" in caplog.text
