"""Serves the pages to this machine, until Ctrl-C."""

import logging

import flask
import waitress
from waitress.server import BaseWSGIServer

from data_prep.base.errors import InputError
from deepusps_tf.studio.app import MAX_UPLOAD

ADDRESS = "127.0.0.1"


def make_server(app: flask.Flask, port: int) -> BaseWSGIServer:
    """Listens at a port of this machine, which other machines cannot reach.

    Args:
        app: of `make_app`.
        port: the port; 0: one that is free.

    Returns:
        A server: `effective_port` is its port, `run()` serves.

    Raises:
        InputError: the port is taken, or may not be had.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # pictures may wait for each other
    try:
        return waitress.create_server(
            app,
            host=ADDRESS,
            port=port,
            threads=4,
            ident=None,
            connection_limit=100,
            channel_timeout=60,
            max_request_header_size=1 << 14,
            max_request_body_size=MAX_UPLOAD + (1 << 20),  # what is a bit too large, the page tells
        )
    except OSError as error:
        raise InputError(f"--port={port}: {error.strerror}; choose another") from None
