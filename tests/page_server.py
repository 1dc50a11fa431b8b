"""A site of a test's own for a real browser: a handler, served from a thread while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """Says nothing of what it was asked."""

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def page_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address at which it answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
