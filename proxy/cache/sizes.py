"""Known sizes of heavy things, so that a page can say "18 MB" before the tap.

Sizes are learned from every response that passes, and asked for by HEAD on the cheap side of the costly hop when a
page names heavy links that nobody has opened yet. Law: a size is only ever shown to a learner, never used to decide;
the HEAD carries the learner's own credentials and its answer is kept for that URL only (a length is not content).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from html import unescape
from urllib.parse import quote, urljoin

HEAVY_LINK = re.compile(
    rb"""(?:href|src|data)\s*=\s*["']([^"'<>\s]+\.(?:mp4|m4v|webm|mov|mkv|avi|flv|ogv|mpe?g|mp3|ogg|opus|m4a|wav|flac|"""
    rb"""pdf|docx?|pptx?|xlsx?|odt|odp|zip|rar|7z)(?:\?[^"'<>\s]*)?)["']""",
    re.IGNORECASE,
)

_SAFE = "".join(map(chr, range(0x21, 0x7F)))  # what is ASCII stays as the page has it


_MOST_CHARS = 2048


class SizeBook:
    """URL -> bytes; bounded; the least recently used is forgotten first, an overlong address isn't remembered."""

    def __init__(self, *, max_entries: int = 50_000) -> None:
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._max_entries = max_entries

    def learn(self, url: str, nbytes: int) -> None:
        if len(url) > _MOST_CHARS:
            return
        self._sizes.pop(url, None)
        self._sizes[url] = nbytes
        if len(self._sizes) > self._max_entries:
            self._sizes.popitem(last=False)

    def size_of(self, url: str) -> int | None:
        return self._sizes.get(url)


def heavy_links(html: bytes, page_url: str, *, most: int = 24) -> tuple[str, ...]:
    """Absolute addresses of heavy files that a page's bytes name, as a browser asks for them, without repeats, at most
    `most`. Names outside ASCII are taken for UTF-8."""
    found: dict[str, None] = {}
    for match in HEAVY_LINK.finditer(html):
        try:
            url = urljoin(page_url, unescape(match[1].decode("utf-8", "surrogateescape")))
            found[quote(url, safe=_SAFE, errors="surrogateescape")] = None
        except ValueError:  # an address that is none, such as http://[::1/a.mp4
            continue
        if len(found) >= most:
            break
    return tuple(found)
