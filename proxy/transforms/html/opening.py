"""The beginning of a page: is it one, and where does the head start.

Laws of this file: nothing is inserted into a fragment (an answer to a script that has no page around it); the charset
declaration stays the first element if it was, since browsers look for it in the first 1024 bytes only.
"""

from __future__ import annotations

from enum import Enum

from proxy.transforms.html.charset import declared
from proxy.transforms.html.tag import Tag

_PAGE_STARTS = frozenset([b"title", b"meta", b"body", b"base", b"link"])
_NOT_HTML = frozenset([b"rss", b"feed", b"svg", b"math", b"rdf:rdf", b"urlset", b"manifest"])


class Place(Enum):
    """Where the head insertion goes, or that the rest is to pass."""

    NOT_YET = 0
    BEFORE = 1
    AFTER = 2
    NOWHERE = 3
    PASS = 4


class Opening:
    """Watches the page's first tokens until it has said where the insertion goes. is_page: it has a page's frame."""

    __slots__ = ("_xml", "is_page")

    def __init__(self) -> None:
        self.is_page = False
        self._xml = False

    def text(self, first: bytes) -> Place:
        """Text other than white space. JSON sent as HTML must not be touched: its quotes would break."""
        if self.is_page:
            return Place.BEFORE
        return Place.PASS if first in (b"{", b"[") else Place.NOWHERE

    def declaration(self, token: bytes) -> None:
        """A comment, a doctype or a processing instruction."""
        if token[:9].lower() == b"<!doctype":
            self.is_page = b"html" in token[:40].lower()
        elif token.startswith(b"<?xml"):
            self._xml = True

    def tag(self, name: bytes, tag: Tag | None) -> Place:
        """A start tag (tag None: too long to look at) or, with a name like "/head", an end tag."""
        if name in _NOT_HTML or (self._xml and not self.is_page and name != b"html"):
            return Place.PASS
        if name in (b"html", b"head"):
            self.is_page = True
            return Place.NOT_YET
        if name in _PAGE_STARTS:
            self.is_page = True
        if not self.is_page:
            return Place.NOWHERE
        if name == b"meta" and tag is not None and declared(tag):
            return Place.AFTER
        return Place.BEFORE
