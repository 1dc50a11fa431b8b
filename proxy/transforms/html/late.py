"""Style sheets that come after the text: a small part of each stands in its place, the whole follows behind the text.

Laws of this file: the whole sheets come in the order in which the page names them, before the first script of the body
that the parser waits for, else at the body's end; whatever other sheet stands between the two places is named again
behind them, so the order of the cascade is the page's own; what stands in `<noscript>` or `<template>` is not touched
and not repeated; where a sheet can't be repeated, the whole ones come before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from proxy.transforms.html.tag import Tag, escaped

MAX_REPEATED_BYTES: Final = 16384
# What a link may carry and still be moved: with an id or a title, scripts and readers choose among sheets.
_MOVABLE = frozenset([b"rel", b"href", b"type", b"media", b"integrity", b"crossorigin", b"referrerpolicy"])
_COPIED = (b"media",)
_INERT = frozenset([b"noscript", b"template"])
_SCRIPT_TYPES = frozenset(["", "text/javascript", "application/javascript", "text/ecmascript", "module"])


class LateStyles:
    """The sheets of one page that wait. parts: absolute address of a sheet -> address of its part."""

    __slots__ = ("_body", "_inert", "_parts", "_repeated_bytes", "_waiting")

    def __init__(self, parts: Mapping[str, str]) -> None:
        self._parts = parts
        self._waiting: list[bytes] = []
        self._repeated_bytes = 0
        self._inert = 0
        self._body = False

    def __contains__(self, url: str) -> bool:
        return url in self._parts

    # -- sheets ---------------------------------------------------------------------------------------------

    def link(self, tag: Tag, url: str, charset: str) -> bytes | None:
        """What stands in the place of this `<link rel=stylesheet>`, None: itself."""
        if self._inert:
            return None
        part = self._parts.get(url)
        if part is None or not self._movable(tag):
            if self._waiting:
                self._repeat(tag.raw)
            return None
        self._waiting.append(tag.raw)
        self._parts = {known: address for known, address in self._parts.items() if known != url}
        copied = b"".join(b' %s="%s"' % (name, tag.raw_value(name).replace(b'"', b"&quot;")) for name in _COPIED_IN(tag))
        return b'<link rel="stylesheet" href="%s"%s>' % (escaped(part, charset), copied)
