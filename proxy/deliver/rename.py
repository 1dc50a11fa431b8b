"""A public name other than the upstream's: names are mapped in heads and in text bodies.

Laws: only whole authorities are mapped (`lms.example` never inside `lms.example.org` or `xlms.example`); the mapping
of a stream doesn't depend on where it is cut; bytes that name nobody pass as they are. What can't work under another
name (OAuth and OpenID redirects registered elsewhere, WebAuthn, signed URLs that carry the host) stands in the docs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from multidict import CIMultiDict

from policies.frozen import Frozen

_REQUEST_FIELDS = ("Origin", "Referer")
_RESPONSE_FIELDS = (
    "Location",
    "Content-Location",
    "Refresh",
    "Link",
    "Access-Control-Allow-Origin",
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "Report-To",
    "Reporting-Endpoints",
    "SourceMap",
)
_NOT_A_NAME = rb"(?![A-Za-z0-9_-]|\.[A-Za-z0-9]|:[0-9])"


class Site(Frozen, frozen=True):
    """scheme and authority (host, with a port that is not the scheme's own)."""

    scheme: str
    authority: str

    @property
    def host(self) -> str:
        return self.authority.rpartition(":")[0] if self.authority.rsplit(":", 1)[-1].isdigit() else self.authority


class NameMap:
    """Maps one upstream site to its public name and back."""

    def __init__(self, upstream: Site, public: Site) -> None:
        self._upstream = upstream
        self._public = public
        self._pattern = _pattern(upstream.authority)
        self._longest = len(upstream.authority.encode()) * 3 + 24

    def request(self, headers: CIMultiDict[str]) -> None:
        """Origin and Referer as the upstream's own pages would send them. Changes `headers`."""
        here, there = f"{self._public.scheme}://{self._public.authority}", f"{self._upstream.scheme}://"
        for name in _REQUEST_FIELDS:
            value = headers.get(name)
            if value is not None and (value == here or value.startswith(here + "/")):
                headers[name] = there + self._upstream.authority + value[len(here) :]

    def response(self, headers: CIMultiDict[str]) -> None:
        """Every field that may name the upstream, and the domains of its cookies. Changes `headers`."""
        for name in _RESPONSE_FIELDS:
            values = headers.getall(name, None)
            if values is None:
                continue
            headers.popall(name)
            for value in values:
                headers.add(name, self._field(name, value))
        cookies = headers.popall("Set-Cookie", ())
        for cookie in cookies:
            headers.add("Set-Cookie", self._cookie(cookie))

    def _field(self, name: str, value: str) -> str:
        mapped = self.text(value.encode("latin-1", "replace")).decode("latin-1")
        if "security-policy" in name.lower():  # host sources stand without a scheme
            bare = re.compile(rf"(?<![\w.:/-]){re.escape(self._upstream.authority)}(?![\w.:-])")
            mapped = bare.sub(self._public.authority, mapped)
        return mapped

    def _cookie(self, cookie: str) -> str:
        parts = cookie.split(";")
        kept = [parts[0]]
        for part in parts[1:]:
            name = part.strip().partition("=")[0]
            if name.lower() == "domain":
                continue  # host-only under the public name: never wider than the upstream meant
            if name.lower() == "secure" and self._public.scheme == "http":
                continue
            kept.append(part)
        return ";".join(kept)

    def text(self, data: bytes) -> bytes:
        """A whole text with the upstream's absolute, escaped and percent-encoded addresses mapped."""
        return self._pattern.sub(self._swap, data)

    def _swap(self, match: re.Match[bytes]) -> bytes:
        scheme, slashes = match["scheme"], match["slashes"]
        authority = self._public.authority.encode()
        if slashes.startswith((b"%2", b"%5")):
            authority = quote(self._public.authority, safe="").encode()
            colon = b"%3A" if match["colon"] else b""
        else:
            colon = match["colon"] or b""
        if not scheme:
            return slashes + authority
        wanted = {b"wss": b"ws", b"https": b"http", b"ws": b"ws", b"http": b"http"}[scheme.lower()]
        if self._public.scheme == "https":
            wanted += b"s"
        return wanted + colon + slashes + authority

    def stream(self) -> StreamMap:
        return StreamMap(self, self._longest)


class StreamMap:
    """`NameMap.text` for a body that comes in pieces: holds back what might be the beginning of a name."""

    def __init__(self, names: NameMap, longest: int) -> None:
        self._names = names
        self._longest = longest
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        text = self._held + data
        if len(text) <= self._longest:
            self._held = text
            return b""
        cut = self._safe_cut(text)
        self._held = text[cut:]
        return self._names.text(text[:cut])

    def finish(self) -> bytes:
        held, self._held = self._held, b""
        return self._names.text(held)

    def _safe_cut(self, text: bytes) -> int:
        """A cut that no address crosses: before the last white space, quote or bracket of the tail, else before it."""
        floor = len(text) - self._longest
        for place in range(len(text) - 1, floor, -1):
            if text[place] in b" \t\r\n\"'<>(),;":
                return place
        return floor if floor > 0 and not self._crosses(text, floor) else self._before_name(text, floor)

    def _crosses(self, text: bytes, cut: int) -> bool:
        return self._names._pattern.search(text, max(0, cut - self._longest)) is not None

    def _before_name(self, text: bytes, cut: int) -> int:
        start = max(0, cut - self._longest)
        for match in self._names._pattern.finditer(text, start):
            if match.start() < cut < match.end() + 2:
                return match.start()
        return cut


@lru_cache(maxsize=64)
def _pattern(authority: str) -> re.Pattern[bytes]:
    plain = re.escape(authority.encode())
    coded = re.escape(quote(authority, safe="").encode())
    return re.compile(
        rb"(?:(?P<scheme>https?|wss?)(?P<colon>:|%3A))?(?P<slashes>//|\\/\\/|%2F%2F|%5C%2F%5C%2F)"
        rb"(?:" + plain + rb"|" + coded + rb")" + _NOT_A_NAME,
        re.IGNORECASE,
    )


def name_map(upstream: str, public_scheme: str, public_authority: str) -> NameMap:
    """The map between an origin's `upstream` URL and the public name that this exchange used."""
    parts = urlsplit(upstream)
    return NameMap(Site(parts.scheme, parts.netloc), Site(public_scheme, public_authority))
