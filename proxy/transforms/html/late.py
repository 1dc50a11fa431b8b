"""Style sheets that come after the text: a small part of each stands in its place, the whole follows behind the text.

Laws of this file: the whole sheets come in the order in which the page names them, before the first script of the body
that the parser waits for, else at the body's end; whatever other sheet stands between the two places is named again
behind them, so the order of the cascade is the page's own; a sheet that can't be named again has the whole ones before
it; what stands in `<noscript>` or `<template>` is neither moved nor repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.transforms.html.tag import Tag, escaped

MAX_REPEATED_BYTES: Final = 16384
# What a sheet may carry and be moved or repeated; by an id, a title or `disabled` scripts and readers choose sheets.
_LINK_MAY_CARRY = frozenset(
    [b"rel", b"href", b"type", b"media", b"integrity", b"crossorigin", b"referrerpolicy", b"nonce"]
)
_STYLE_MAY_CARRY = frozenset([b"type", b"media", b"nonce"])
_FOR_ITS_PART = (b"media", b"nonce")
_INERT = frozenset([b"noscript", b"template"])
_NOT_WAITED_FOR = frozenset([b"async", b"defer", b"nomodule"])

WATCHED_STARTS: Final = frozenset(["body", "noscript", "template"])
WATCHED_ENDS: Final = frozenset(["body", "html", "noscript", "template"])


class LateStyles:
    """The sheets of one page that wait. parts: absolute address of a sheet -> address of its part."""

    __slots__ = ("_in_body", "_inert", "_moved", "_parts", "_released", "_repeated_bytes", "_waiting")

    def __init__(self, parts: Mapping[str, str]) -> None:
        self._parts = parts
        self._moved: set[str] = set()
        self._waiting: list[bytes] = []
        self._released = False
        self._repeated_bytes = 0
        self._inert = 0
        self._in_body = False

    def __contains__(self, url: str) -> bool:
        return url in self._parts

    @property
    def moved(self) -> frozenset[str]:
        """Absolute addresses of the sheets that come later than the page named them."""
        return frozenset(self._moved)

    @property
    def waits(self) -> bool:
        """Whether a whole sheet is still to come, so that other sheets must be told."""
        return bool(self._waiting) and not self._inert

    def link(self, tag: Tag, url: str, charset: str) -> bytes | None:
        """A `<link rel=stylesheet>` stands here: what stands in its place, None for itself."""
        if self._inert:
            return None
        part = self._parts.get(url)
        plain = tag.value(b"rel").strip().lower() == "stylesheet" and tag.attributes.keys() <= _LINK_MAY_CARRY
        if part is None or not plain or url in self._moved or self._released:
            self._other(tag.raw, repeatable=plain)
            return None
        self._moved.add(url)
        self._waiting.append(tag.raw)
        carried = [(name, escaped(tag.value(name), charset)) for name in _FOR_ITS_PART if tag.has(name)]
        return b'<link rel="stylesheet" href="%s"%s>' % (
            escaped(part, charset),
            b"".join(b' %s="%s"' % pair for pair in carried),
        )

    def style(self, tag: Tag, css: bytes | None) -> None:
        """A `<style>` stands here. css: what is in it, None where its end isn't known."""
        plain = css is not None and tag.attributes.keys() <= _STYLE_MAY_CARRY
        self._other(tag.raw + (css or b"") + b"</style>", repeatable=plain)

    def _other(self, sheet: bytes, *, repeatable: bool) -> None:
        if not self.waits:
            return
        self._repeated_bytes += len(sheet)
        if repeatable and self._repeated_bytes <= MAX_REPEATED_BYTES:
            self._waiting.append(sheet)
        else:
            self._released = True

    # -- the places where they come --------------------------------------------------------------------------

    def before(self, tag: Tag) -> bytes:
        """What has to stand before this start tag; asked once for each that stays in the page."""
        name = tag.name
        if name in _INERT:
            self._inert += 1
        elif name == b"body":
            self._in_body = True
        elif name == b"script" and self._in_body and not self._inert and _is_waited_for(tag):
            self._released = True
        return self.rest() if self._released and self._waiting else b""

    def before_end(self, name: bytes) -> bytes:
        """What has to stand before this end tag."""
        if name in _INERT:
            self._inert = max(0, self._inert - 1)
        return self.rest() if name in (b"body", b"html") else b""

    def rest(self) -> bytes:
        """All that waits, as it has to come now; nothing is moved any more."""
        self._released = True
        whole, self._waiting = b"".join(self._waiting), []
        return whole


def _is_waited_for(tag: Tag) -> bool:
    """Whether the parser stops for this script (WHATWG HTML, 4.12.1.1)."""
    return tag.has(b"src") and tag.attributes.keys().isdisjoint(_NOT_WAITED_FOR) and tag.value(b"type") != "module"
