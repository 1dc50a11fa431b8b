"""Forms with files: parts are streamed to disk and counted, so that a large upload doesn't sit in memory."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import BodyPartReader, web

from proxy.demo.course.state import Upload, User
from proxy.demo.course.web import site

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_FIELD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A file that arrived but is not accepted yet."""

    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form's fields and files."""

    fields: dict[str, str] = field(default_factory=dict)
    files: tuple[Received, ...] = ()

    def number(self, name: str) -> int:
        """A field as a number, 0 when it isn't one."""
        value = self.fields.get(name, "")
        return int(value) if value.isdigit() and len(value) < 15 else 0


async def read_form(request: web.Request) -> Form:
    """The form, multipart or urlencoded. Raises 413 for a file over 256 MiB."""
    if not request.content_type.startswith("multipart/"):
        posted = await request.post()
        return Form(fields={key: str(value) for key, value in posted.items()})
    fields: dict[str, str] = {}
    arrived: list[Received] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.filename:
            arrived.append(await _store(request, part))
        elif part.filename is None and part.name:
            fields[part.name] = (await part.read(decode=True))[:MAX_FIELD_BYTES].decode("utf-8", "replace")
        else:
            await part.release()
    return Form(fields=fields, files=tuple(arrived))


async def _store(request: web.Request, part: BodyPartReader) -> Received:
    path = site(request).state.uploads_dir / secrets.token_hex(12)
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as handle:
        while chunk := await part.read_chunk(64 * 1024):
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                path.unlink()
                raise web.HTTPRequestEntityTooLarge(max_size=MAX_FILE_BYTES, actual_size=size)
            digest.update(chunk)
            handle.write(chunk)
    kind = part.headers.get("Content-Type", "application/octet-stream")
    name = Path(part.filename or "file").name
    return Received(filename=name, content_type=kind, size_bytes=size, sha256=digest.hexdigest(), path=path)


def accept(request: web.Request, user: User, received: Received, item_id: int) -> Upload:
    """Enter a file into the state."""
    state = site(request).state
    upload = Upload(
        id=state.next_id(),
        item_id=item_id,
        login=user.login,
        filename=received.filename,
        content_type=received.content_type,
        size_bytes=received.size_bytes,
        sha256=received.sha256,
        at=site(request).clock(),
        path=received.path,
    )
    state.add_upload(upload)
    return upload
