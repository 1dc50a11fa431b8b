"""A raw HTTP/1.1 client: what it sends and gets is not repaired, decoded or followed."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

Fields = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. body is as framed, codings kept. whole: False where the peer ended before the framing said so."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool = True

    def get(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        plain = gzip.decompress(self.body) if self.get("Content-Encoding") == "gzip" else self.body
        return plain.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Connection:
    """One connection to a port of loopback; several requests may follow one another."""

    def __init__(self, port: int, *, timeout_s: float = 30.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._held = bytearray()

    def send(self, method: str, target: str, headers: Fields = (), body: bytes | None = None) -> None:
        fields = list(headers)
        if body is not None:
            fields.append(("Content-Length", str(len(body))))
        head = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
        self.socket.sendall("\r\n".join(head).encode("utf-8") + (body or b""))

    def read_head(self) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Status and fields; interim answers are passed over."""
        while True:
            lines = self._until(b"\r\n\r\n").decode("utf-8", "surrogateescape").split("\r\n")
            status = int(lines[0].split(" ")[1])
            if status >= 200 or status == 101:
                pairs = (line.partition(":") for line in lines[1:] if line)
                return status, tuple((name, value.strip()) for name, _, value in pairs)

    def reply(self, *, head_only: bool = False) -> Reply:
        status, headers = self.read_head()
        got = Reply(status=status, headers=headers, body=b"")
        if head_only or status in (101, 204, 304):
            return got
        body, whole = self._body(got)
        return Reply(status=status, headers=headers, body=body, whole=whole)

    def read(self, max_bytes: int = 65536) -> bytes:
        """The next bytes, b"" at the end."""
        if self._held:
            taken = bytes(self._held[:max_bytes])
            del self._held[:max_bytes]
            return taken
        return self.socket.recv(max_bytes)

    def exactly(self, nbytes: int) -> bytes:
        """Raises EOFError with what came, where the peer ends before."""
        while len(self._held) < nbytes:
            self._more()
        taken = bytes(self._held[:nbytes])
        del self._held[:nbytes]
        return taken

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _body(self, got: Reply) -> tuple[bytes, bool]:
        try:
            if got.get("Transfer-Encoding").lower() == "chunked":
                return self._chunks(), True
            if got.get("Content-Length"):
                return self.exactly(int(got.get("Content-Length"))), True
            while True:
                self._more()
        except (EOFError, ConnectionError):
            framed = bool(got.get("Transfer-Encoding") or got.get("Content-Length"))
            return bytes(self._held), not framed

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            self.exactly(2)
        self._until(b"\r\n")
        return bytes(body)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._held:
            self._more()
        taken, _, rest = bytes(self._held).partition(mark)
        self._held[:] = rest
        return taken

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self._held += data


def ask(
    port: int,
    target: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | Fields = (),
    body: bytes | None = None,
    host: str | None = None,
) -> Reply:
    """One request on a connection of its own."""
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    with Connection(port) as connection:
        connection.send(method, target, [("Host", host or f"127.0.0.1:{port}"), *fields], body)
        return connection.reply(head_only=method == "HEAD")


@dataclass(slots=True)
class Learner:
    """A browser of few words: it keeps cookies and nothing else."""

    port: int
    headers: dict[str, str] = field(default_factory=lambda: {"Accept": "text/html", "Accept-Language": "ru"})
    cookies: dict[str, str] = field(default_factory=dict)
    absolute: bool = False  # forward mode: the target names the site
    site: str = ""

    def ask(self, target: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
        wanted = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            wanted["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        host = self.site or f"127.0.0.1:{self.port}"
        reply = ask(
            self.port,
            f"http://{host}{target}" if self.absolute else target,
            method=method,
            headers=wanted,
            body=body,
            host=host,
        )
        self._keep(reply)
        return reply

    def post(self, target: str, fields: Mapping[str, str], **headers: str) -> Reply:
        kind = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.ask(target, method="POST", body=urlencode(fields).encode(), **kind)

    def follow(self, reply: Reply) -> Reply:
        """The page that a redirect leads to."""
        assert reply.status in (301, 302, 303, 307), (reply.status, reply.text[:200])
        parts = urlsplit(reply.get("Location"))
        return self.ask(parts.path + (f"?{parts.query}" if parts.query else ""))

    def log_in(self, name: str, password: str) -> Reply:
        form = self.ask("/login/index.php")
        token = value_of(form.text, "logintoken")
        return self.post("/login/index.php", {"logintoken": token, "username": name, "password": password})

    def _keep(self, reply: Reply) -> None:
        for line in reply.all("Set-Cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            if not value or "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


def value_of(html: str, name: str) -> str:
    """The value of a form's field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html)
    assert found is not None, f"no field {name} in the page"
    return found[1]
