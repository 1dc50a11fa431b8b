"""What an origin's later word does to what is stored: a 304, a HEAD, an unsafe request (RFC 9111 3.2, 4.3, 4.4).

Laws: a 304 changes the head and never what says how the body is to be read; only what the answer really speaks of is
renewed; an unsafe request that succeeded makes its address, and those it names on the same origin, asked anew.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from multidict import CIMultiDict

from proxy.cache.http.conditions import opaque
from proxy.cache.http.directives import Fields
from proxy.cache.http.storing import kept_fields

# How the stored bytes are to be read: section 3.2 lets these be, as servers send them wrong in a 304.
_OF_THE_BODY = frozenset(
    ("content-encoding", "content-type", "content-range", "content-length", "content-md5", "etag", "set-cookie")
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def validators(headers: Fields) -> CIMultiDict[str]:
    """The conditions that ask whether a stored response is still right (section 4.3.1)."""
    asked: CIMultiDict[str] = CIMultiDict()
    if "ETag" in headers:
        asked["If-None-Match"] = headers["ETag"]
    if "Last-Modified" in headers:
        asked["If-Modified-Since"] = headers["Last-Modified"]
    return asked


def speaks_of(answer: Fields, stored: Fields) -> bool:
    """Whether a 304 is about this stored response (section 4.3.4): its validators, as far as both have them."""
    if "ETag" in answer and "ETag" in stored:
        return opaque(answer["ETag"]) == opaque(stored["ETag"])
    if "ETag" not in answer and "Last-Modified" in answer and "Last-Modified" in stored:
        return answer["Last-Modified"] == stored["Last-Modified"]
    return "ETag" not in answer or "ETag" in stored


def renewed(stored: Fields, answer: Fields) -> CIMultiDict[str]:
    """The stored head after a 304 (section 3.2): each field of the answer in place of the stored ones of its name."""
    fresh = kept_fields(answer, drop_cookies=True)
    names = {name.lower() for name in fresh} - _OF_THE_BODY
    head: CIMultiDict[str] = CIMultiDict((n, v) for n, v in stored.items() if n.lower() not in names)
    for name, value in fresh.items():
        if name.lower() in names:
            head.add(name, value)
    return head


def head_agrees(stored: Fields, length_bytes: int | None, answer: Fields) -> bool:
    """Section 4.3.5: whether a HEAD's answer describes the stored response; if not, that one is outdated."""
    told = answer.get("Content-Length")
    if told is not None and length_bytes is not None and told.strip() != str(length_bytes):
        return False
    pairs = ((answer.get(name), stored.get(name)) for name in ("ETag", "Last-Modified"))
    return all(new is None or old == new for new, old in pairs)


def invalidated(method: str, status: int, url: str, answer: Fields) -> tuple[str, ...]:
    """The addresses that an exchange makes outdated (section 4.4); () for a safe or a failed one."""
    if method in SAFE_METHODS or not 200 <= status < 400:
        return ()
    named = [urljoin(url, answer[name]) for name in ("Location", "Content-Location") if name in answer]
    here = urlsplit(url)[:2]
    return tuple(dict.fromkeys([url, *(other.partition("#")[0] for other in named if urlsplit(other)[:2] == here)]))
