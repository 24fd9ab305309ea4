"""Malformed requests, to all that is served: none fails inside, none reaches another folder."""

import io
import random

from werkzeug.test import run_wsgi_app

from tests.deepusps_tf.studio.conftest import OWN, photo_file

REQUESTS = 1000
WORDS = [
    *("/", "..", "../..", "trials", "static", "1", "-1", "99999999999999999999", "mask.png", "%00"),
    *(
        "%2e%2e%2f",
        "..%2f..%2fetc%2fpasswd",
        "etc/passwd",
        "\x00",
        "\xff",
        "a" * 3000,
        "?name=",
        "#",
    ),
    *("photos", "choices", "labels", "thumbs", "maps", "run", "pictures", "?page=x", "&sort=%ff"),
]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "GE T", "", "post", "\xff"]
LENGTHS = ["", "0", "-1", "x", "10", "999999999999999999999", "50000000000", "1.5"]


def environ(rng: random.Random) -> dict:
    """A request that no browser makes, as a server hands it on."""
    path = "/".join(rng.choices(WORDS, k=rng.randint(0, 4)))
    body = rng.choice([b"", b"{", b'{"id": 3}', b"[]", rng.randbytes(200), photo_file()[:300]])
    headers = {
        "HTTP_HOST": rng.choice(["localhost", "localhost", "localhost", "x", "", "[", "a:b:c"]),
        "HTTP_ORIGIN": rng.choice(["http://localhost", "http://localhost", "null", "\xff"]),
        "HTTP_IF_MODIFIED_SINCE": rng.choice(["", "x", "\xff"]),
        "HTTP_RANGE": rng.choice(["", "bytes=-1", "bytes=5-1", "x"]),
        "HTTP_COOKIE": rng.choice(["", "a", "=;=", "\xff"]),
        "CONTENT_TYPE": rng.choice(["", "application/json", "multipart/form-data", ";", "\xff/"]),
        "CONTENT_LENGTH": rng.choice(LENGTHS),
    }
    return {
        "REQUEST_METHOD": rng.choice(METHODS),
        "SCRIPT_NAME": "",
        "PATH_INFO": rng.choice(["", "/", "/"]) + path.partition("?")[0],
        "QUERY_STRING": path.partition("?")[2] or rng.choice(["", "&&=", "%", "name=\xff"]),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }


def test_a_thousand_malformed_requests_are_answered(studio, tmp_path, caplog):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    rng, statuses = random.Random(0), set()
    for _ in range(REQUESTS):
        given = environ(rng)
        chunks, status, _ = run_wsgi_app(studio.application, given, buffered=True)
        content = b"".join(chunks)
        statuses.add(int(status[:3]))
        assert not status.startswith("5"), (status, given)
        assert b"root:" not in content
    assert {200, 403, 404, 405} <= statuses
    assert not caplog.records
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
    answer = studio.post("/trials", data=photo_file(), headers=OWN)
    assert answer.status_code == 200
