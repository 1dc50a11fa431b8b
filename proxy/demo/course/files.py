"""Stored files as Moodle sends them: ETag is the content's SHA-1, private, no-transform, Range and conditions right.

RFC 9110: sections 13 (conditions, If-None-Match before Range), 14 (ranges; a request for several is answered whole).
"""

from __future__ import annotations

import contextlib
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

CHUNK_BYTES = 64 * 1024
_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")
_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".mp3": "audio/mpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_SHOWN = ("image/", "video/", "audio/", "application/pdf", "application/vnd.apple")
FOLDERS = ("photos", "diagrams", "screens", "slides", "documents", "video")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One stored file. `sha1` is of its bytes."""

    path: Path
    name: str
    size_bytes: int
    sha1: str
    content_type: str


def describe(path: Path, name: str | None = None) -> StoredFile:
    """Read a file's size, type and digest."""
    shown = name or path.name
    kind = _TYPES.get(Path(shown).suffix.lower()) or mimetypes.guess_type(shown)[0] or "application/octet-stream"
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha1").hexdigest()
    return StoredFile(path=path, name=shown, size_bytes=path.stat().st_size, sha1=digest, content_type=kind)


def index(data_dir: Path) -> dict[str, StoredFile]:
    """All built assets that a learner may open, by name; parts of the HLS ladder as `hls/NAME`."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((data_dir / folder).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(data_dir / folder))] = describe(path)
    return found


def _window(request: web.Request, size: int, etag: str) -> tuple[int, int] | bool | None:
    """The asked part as (first, end), None for the whole, False for one that can't be satisfied."""
    wanted = _RANGE.match(request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range")
    if wanted is None or wanted.groups() == ("", "") or (condition is not None and condition.strip() != etag):
        return None
    first, last = wanted.groups()
    if first == "":
        begin, end = max(0, size - int(last)), size
        return (begin, end) if int(last) else False
    begin, end = int(first), min(int(last) + 1 if last else size, size)
    if last and int(last) < begin:
        return None
    return (begin, end) if begin < size else False


def _unchanged(request: web.Request, etag: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    return etag in known or "*" in known


def disposition(name: str, *, attachment: bool) -> str:
    """Content-Disposition with the name in UTF-8 (RFC 6266)."""
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "_")
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name)}"
    return f'{"attachment" if attachment else "inline"}; filename="{plain}"{extended}'


async def send(
    request: web.Request,
    stored: StoredFile,
    *,
    cache: str = "private, max-age=21600, no-transform",
    forced: bool | None = None,
) -> web.StreamResponse:
    """Answer GET or HEAD for a stored file; `?forcedownload=1` makes it an attachment, and so does an unshown type.

    forced  whether it is one to save; None: as the query says
    """
    etag = f'"{stored.sha1}"'
    headers = {"ETag": etag, "Cache-Control": cache, "Accept-Ranges": "bytes"}
    if _unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    asked = request.query.get("forcedownload") == "1" if forced is None else forced
    saved = asked or not stored.content_type.startswith(_SHOWN)
    headers["Content-Disposition"] = disposition(stored.name, attachment=saved)
    headers["Content-Type"] = stored.content_type
    headers["X-Content-Type-Options"] = "nosniff"
    part = _window(request, stored.size_bytes, etag) if request.method == "GET" else None
    if part is False:
        gone = {"Content-Range": f"bytes */{stored.size_bytes}", "ETag": etag, "Cache-Control": cache}
        return web.Response(status=416, headers=gone)
    begin, end = part if isinstance(part, tuple) else (0, stored.size_bytes)
    headers["Content-Length"] = str(end - begin)
    if isinstance(part, tuple):
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{stored.size_bytes}"
    response = web.StreamResponse(status=206 if isinstance(part, tuple) else 200, headers=headers)
    await response.prepare(request)
    if request.method != "HEAD":
        await _pour(response, stored.path, begin, end)
    return response


async def _pour(response: web.StreamResponse, path: Path, begin: int, end: int) -> None:
    with path.open("rb") as handle, contextlib.suppress(ConnectionError):  # a learner may leave in the middle
        handle.seek(begin)
        while begin < end:
            chunk = handle.read(min(CHUNK_BYTES, end - begin))
            begin += len(chunk)
            await response.write(chunk)
        await response.write_eof()
