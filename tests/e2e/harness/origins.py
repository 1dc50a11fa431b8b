"""Small origins of a test's own: threads that answer by a function of the request."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fields = list[tuple[str, str]]
Asked = BaseHTTPRequestHandler
Answers = Callable[[BaseHTTPRequestHandler, bytes], "Given | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer; Content-Length is added unless a framing is among the fields."""

    status: int = 200
    headers: Fields = field(default_factory=list)
    body: bytes = b""


@dataclass(slots=True)
class Origin:
    """A running origin. journal: method and target of every request that arrived, in order."""

    port: int
    journal: list[tuple[str, str]]


@contextmanager
def origin(answer: Answers, *, tls: ssl.SSLContext | None = None) -> Iterator[Origin]:
    """An origin on a free port. `answer` may write by itself and return None."""
    journal: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            journal.append((self.command, self.path))
            given = answer(self, body)
            if given is None:
                self.close_connection = True
                return
            self.send_response_only(given.status)
            for name, value in given.headers:
                self.send_header(name, value)
            if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in given.headers):
                self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            if self.command != "HEAD" and given.status != 304:
                self.wfile.write(given.body)

        do_GET = do_HEAD = do_POST = do_PUT = handle_any

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Origin(server.server_port, journal)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
