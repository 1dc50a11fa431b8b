"""The form that the browser made, with the bytes of files put where it left a mark for them.

The page's script hands the browser's own multipart body over with each heavy file replaced by a mark of a few bytes:
order, names (Cyrillic ones too), types, boundary and every other field are the browser's own, to the byte.

Laws of this file: pure; a mark counts only as the whole content of a file's part; everything else passes as it is.
"""

from __future__ import annotations

import re

from policies.frozen import Frozen
from proxy.errors import ExchangeError
from proxy.uploads.tus import refused

_BOUNDARY = re.compile(r"^multipart/form-data\s*;(?:.*;)?\s*boundary=(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.I)
_MARK = re.compile(rb"tropa-piece:(\d{1,15})-(\d{1,15})")
_A_FILE = re.compile(rb"^content-disposition\s*:[^\r\n]*;\s*filename\*?=", re.IGNORECASE | re.MULTILINE)


class Span(Frozen, frozen=True, kw_only=True):
    """Bytes [start, end) of the upload."""

    start: int
    end: int


class SentForm(Frozen, frozen=True, kw_only=True):
    """parts, in order: bytes of the browser's, or spans of the upload."""

    parts: tuple[bytes | Span, ...]

    @property
    def length_bytes(self) -> int:
        return sum(len(part) if isinstance(part, bytes) else part.end - part.start for part in self.parts)


def assembled(body: bytes, content_type: str, *, length_bytes: int) -> SentForm:
    """The whole form. length_bytes: of the upload.

    Raises ExchangeError 400: no multipart form, or its marks don't cover the upload exactly.
    """
    match = _BOUNDARY.match(content_type)
    if match is None:
        raise _broken("no boundary")
    delimiter = b"--" + (match[1] or match[2]).encode("latin-1", "replace")
    if not body.startswith(delimiter):
        raise _broken("no first part")
    parts: list[bytes | Span] = []
    plain_from, at = 0, body.find(b"\r\n\r\n")
    while at != -1:
        end = body.find(b"\r\n" + delimiter, at + 2)
        if end == -1:
            raise _broken("no end")
        content = at + 4
        mark = _MARK.fullmatch(body, content, max(end, content))
        head_from = body.rfind(delimiter, plain_from, at)
        if mark is not None and _A_FILE.search(body, max(head_from, 0), at):
            parts += [body[plain_from:content], Span(start=int(mark[1]), end=int(mark[2]))]
            plain_from = end
        at = body.find(b"\r\n\r\n", end)
    parts.append(body[plain_from:])
    _check(parts, length_bytes)
    return SentForm(parts=tuple(parts))


def _check(parts: list[bytes | Span], length_bytes: int) -> None:
    expected = 0
    for span in (part for part in parts if isinstance(part, Span)):
        if span.start != expected or span.end < span.start:
            raise _broken("marks aren't in order")
        expected = span.end
    if expected != length_bytes:
        raise _broken(f"marks cover {expected} of {length_bytes} bytes")


def _broken(why: str) -> ExchangeError:
    return refused(400, "upload-form-malformed", why)
