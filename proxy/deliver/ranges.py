"""A finished file as an answer: conditions and byte ranges (RFC 9110 sections 13 and 14), streamed in slices.

Laws: one range at most (several are answered with the whole, section 14.2 lets a server ignore Range); a Range
without a matching If-Range for a file that this client may know in another form gets the whole file (`spliced`);
the file is opened before the head goes out, so that an eviction can't break what has begun.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.deliver.answer import Answer

_SLICE_BYTES = 65536
_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


class Span(Frozen, frozen=True):
    """Bytes first..last, both included, of a file."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """No byte of the file is in the range asked for: 416."""


def span_of(value: str | None, length_bytes: int) -> Span | None:
    """The one range that a Range header asks for; None: the whole file goes. Raises Unsatisfiable."""
    found = _RANGE.fullmatch(value.strip()) if value else None
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":  # the last n bytes
        wanted = int(found[2])
        if wanted == 0 or length_bytes == 0:
            raise Unsatisfiable
        return Span(max(0, length_bytes - wanted), length_bytes - 1)
    first, last = int(found[1]), int(found[2]) if found[2] else length_bytes - 1
    if found[2] and last < first:
        return None  # invalid, so ignored (section 14.1.1)
    if first >= length_bytes:
        raise Unsatisfiable
    return Span(first, min(last, length_bytes - 1))


async def file_answer(
    path: Path,
    request_headers: Mapping[str, str],
    *,
    content_type: str,
    etag: str,
    head_only: bool = False,
    spliced: bool = False,
    keep_s: int = 3600,
) -> Answer | None:
    """The file, a range of it, 304 or 416. None: the file is gone.

    etag     strong, quotes included
    spliced  this client may hold bytes of another form under this address: only If-Range lets a range go
    keep_s   how long the client may keep it
    """
    try:
        file, length_bytes = await asyncio.to_thread(_opened, path)
    except OSError:
        return None
    headers: CIMultiDict[str] = CIMultiDict(
        {
            "Content-Type": content_type,
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Cache-Control": f"private, max-age={keep_s}",
            "X-Content-Type-Options": "nosniff",
        }
    )
    if _matches(request_headers.get("If-None-Match"), etag):
        file.close()
        del headers["Accept-Ranges"]
        return Answer(status=304, headers=headers)
    try:
        span = _wanted(request_headers, etag, length_bytes, spliced=spliced)
    except Unsatisfiable:
        file.close()
        headers["Content-Range"] = f"bytes */{length_bytes}"
        headers["Content-Length"] = "0"
        return Answer(status=416, headers=headers, body=b"")
    status = 200 if span is None else 206
    if span is not None:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{length_bytes}"
    whole = span or Span(0, length_bytes - 1)
    headers["Content-Length"] = str(whole.length)
    if head_only:
        file.close()
        return Answer(status=status, headers=headers)
    return Answer(status=status, headers=headers, body=_slices(file, whole), close=_closer(file))


def _opened(path: Path) -> tuple[BinaryIO, int]:
    file = path.open("rb")
    return file, file.seek(0, 2)


def _wanted(headers: Mapping[str, str], etag: str, length_bytes: int, *, spliced: bool) -> Span | None:
    if_range = headers.get("If-Range")
    if if_range is not None and if_range.strip() != etag:  # a date is never a strong match for us
        return None
    span = span_of(headers.get("Range"), length_bytes)
    return None if spliced and if_range is None and span is not None and span.first > 0 else span


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


def _closer(file: BinaryIO) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        file.close()

    return close


async def _slices(file: BinaryIO, span: Span) -> AsyncIterator[bytes]:
    def read(nbytes: int) -> bytes:
        return file.read(nbytes)

    left = span.length
    try:
        await asyncio.to_thread(file.seek, span.first)
        while left > 0:
            chunk = await asyncio.to_thread(read, min(_SLICE_BYTES, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
    finally:
        file.close()
