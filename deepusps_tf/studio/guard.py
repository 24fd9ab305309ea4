"""Who may ask: pages of this server alone, though any page of the browser can reach it."""

from urllib.parse import urlsplit

import flask

# At any port, as through a tunnel. Another name that was made to lead here is not among them.
_HOSTS = frozenset({"127.0.0.1", "localhost"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' blob:; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def guard(app: flask.Flask) -> None:
    """Refuses requests of other sites, and lets pages load nothing from elsewhere.

    The `Host` of a request must be this machine, and what changes something must come from a page
    of the same host, as its `Origin` says.

    Args:
        app: is given the checks.
    """
    app.before_request(_refuse_others)
    app.after_request(_add_headers)


def _refuse_others() -> None:
    request = flask.request
    host = request.environ.get("HTTP_HOST", "")
    if _name(host) not in _HOSTS:
        flask.abort(403, "open this page as http://127.0.0.1")
    if request.method not in ("GET", "HEAD") and request.headers.get("Origin") != f"http://{host}":
        flask.abort(403, "only a page of this server may ask for that")


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _add_headers(response: flask.Response) -> flask.Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response
