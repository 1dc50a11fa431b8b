"""A page's script's part of an upload, without a browser: pieces, a form with marks, and the origin's answer."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDictProxy

from tests.serving import Reply, Served

HERS = {"Cookie": "MoodleSession=hers", "Accept-Language": "ru"}
OTHERS = {"Cookie": "MoodleSession=others", "Accept-Language": "ru"}
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
BOUNDARY = "----WebKitFormBoundaryTropa0123456789"


def b64(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def crc32(data: bytes) -> str:
    return f"crc32 {b64(zlib.crc32(data).to_bytes(4, 'big'))}"


def field_part(name: str, value: str) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file_part(name: str, filename: str, content: bytes, kind: str = "image/jpeg") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    return f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def mark(start: int, end: int) -> bytes:
    return b"tropa-piece:%d-%d" % (start, end)


@dataclass(slots=True)
class Sending:
    """One upload to a Tropa, as a browser of this learner's does it."""

    there: Served
    data: bytes
    target: str = "/mod/forum/post.php"
    headers: dict[str, str] = field(default_factory=lambda: dict(HERS))
    fingerprint: str = "Фото.jpg 1"
    address: str = ""

    async def token(self) -> str:
        """The page's own, as the loader is told it."""
        page = await self.there.get("/mod/forum/discuss.php?d=1", headers={**self.headers, **BROWSER})
        found = page.body.decode().partition('data-upload-token="')[2].partition('"')[0]
        assert found, "the page gets the script"
        return found

    async def create(self, token: str | None = None, **headers: str) -> Reply:
        told = f"target {b64(self.target)},fingerprint {b64(self.fingerprint)}"
        fields = {
            **self.headers,
            **TUS,
            "Upload-Length": str(len(self.data)),
            "Upload-Metadata": told,
            "Tropa-Token": await self.token() if token is None else token,
            **headers,
        }
        reply = await self.there.get("/.tropa/uploads", "POST", headers=fields)
        self.address = header(reply, "Location")
        return reply

    async def offset(self) -> int:
        reply = await self.there.get(self.address, "HEAD", headers={**self.headers, **TUS})
        return int(header(reply, "Upload-Offset"))

    async def piece(self, start: int, end: int, **headers: str) -> Reply:
        data = self.data[start:end]
        fields = {**self.headers, **PIECE, "Upload-Offset": str(start), "Upload-Checksum": crc32(data), **headers}
        return await self.there.get(self.address, "PATCH", headers=fields, data=data)

    async def all_pieces(self, step: int = 200_000) -> None:
        at = await self.offset()
        while at < len(self.data):
            reply = await self.piece(at, at + step)
            assert reply.status == 204, reply.body
            at = int(header(reply, "Upload-Offset"))

    async def send(self, body: bytes, attempt: int = 1, by: str = "form", target: str | None = None) -> Reply:
        token = self.address.rpartition("/")[2]
        fields = {
            **self.headers,
            "Accept": "text/html,application/xhtml+xml",
            "Sec-Fetch-Dest": "empty",
            "Sec-Fetch-Mode": "cors",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Tropa-Upload": f"send {token} {attempt} {by}",
        }
        return await self.there.get(target or self.target, "POST", headers=fields, data=body)

    async def status(self, *, wait: bool = True) -> dict[str, Any]:
        prefer = {"Prefer": "wait=20"} if wait else {}
        reply = await self.there.get(self.address, headers={**self.headers, **prefer})
        assert reply.status == 200, reply.body
        status: dict[str, Any] = json.loads(reply.body)
        return status

    async def answer(self) -> Reply:
        """What a form that a browser submits is given."""
        token = self.address.rpartition("/")[2]
        glue = "&" if "?" in self.target else "?"
        return await self.there.get(
            f"{self.target}{glue}tropa-answer={token}", "POST", headers={**self.headers, **BROWSER}, data=b""
        )


def header(reply: Reply, name: str) -> str:
    headers = reply.headers
    assert isinstance(headers, CIMultiDictProxy | dict) or hasattr(headers, "get")
    return str(headers.get(name, ""))  # type: ignore[union-attr]
