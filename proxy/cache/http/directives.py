"""Cache-Control, read once: of a response and of a request (RFC 9111 section 5.2).

Laws: what can't be understood never makes a response fresher: a broken number of seconds is 0, of two the smaller
holds (section 4.2.1); unknown directives are passed over (section 5.2.3).
"""

from __future__ import annotations

import re
from functools import lru_cache

from multidict import CIMultiDict, CIMultiDictProxy

from policies.frozen import Frozen

Fields = CIMultiDictProxy[str] | CIMultiDict[str]

MOST_SECONDS = 2**31  # what a cache takes for "longer than I can count" (section 1.2.2)
_PART = re.compile(r'\s*([^\s,=";]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"?|[^\s,"]*))?[^,]*')


class ResponseDirectives(Frozen, frozen=True, kw_only=True):
    """Seconds are None where the directive isn't there.

    no_cache_fields, private_fields  the fields that the qualified forms name, lower case
    """

    no_store: bool = False
    no_cache: bool = False
    no_cache_fields: frozenset[str] = frozenset()
    private: bool = False
    private_fields: frozenset[str] = frozenset()
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    no_transform: bool = False
    immutable: bool = False
    max_age_s: int | None = None
    s_maxage_s: int | None = None
    stale_while_revalidate_s: int | None = None
    stale_if_error_s: int | None = None

    @property
    def shown_to_all(self) -> bool:
        """The origin says in so many words that a shared cache may have it."""
        return self.public or self.s_maxage_s is not None

    @property
    def forbids_stale(self) -> bool:
        """Section 4.2.4: without a successful validation nothing stale may go out."""
        return self.must_revalidate or self.proxy_revalidate or self.s_maxage_s is not None or self.no_cache


class RequestDirectives(Frozen, frozen=True, kw_only=True):
    """max_stale_s: MOST_SECONDS for the bare directive, that takes any age."""

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    no_transform: bool = False
    max_age_s: int | None = None
    max_stale_s: int | None = None
    min_fresh_s: int | None = None
    stale_if_error_s: int | None = None


_NOTHING_ASKED = RequestDirectives()


def response_directives(headers: Fields) -> ResponseDirectives:
    """What a response's Cache-Control says."""
    return _response(", ".join(headers.getall("Cache-Control", ())))


def request_directives(headers: Fields) -> RequestDirectives:
    """What a request's Cache-Control says, or its Pragma where there is none (section 5.4)."""
    if "Cache-Control" in headers:
        return _request(", ".join(headers.getall("Cache-Control")))
    if "no-cache" in headers.get("Pragma", "").lower():
        return RequestDirectives(no_cache=True)
    return _NOTHING_ASKED


@lru_cache(maxsize=1024)
def _response(text: str) -> ResponseDirectives:
    found = _parts(text)
    no_cache_fields, private_fields = _names(found.get("no-cache")), _names(found.get("private"))
    return ResponseDirectives(
        no_store="no-store" in found,
        no_cache="no-cache" in found and not no_cache_fields,
        no_cache_fields=no_cache_fields,
        private="private" in found and not private_fields,
        private_fields=private_fields,
        public="public" in found,
        must_revalidate="must-revalidate" in found,
        proxy_revalidate="proxy-revalidate" in found,
        must_understand="must-understand" in found,
        no_transform="no-transform" in found,
        immutable="immutable" in found,
        max_age_s=_seconds(found, "max-age"),
        s_maxage_s=_seconds(found, "s-maxage"),
        stale_while_revalidate_s=_seconds(found, "stale-while-revalidate"),
        stale_if_error_s=_seconds(found, "stale-if-error"),
    )


@lru_cache(maxsize=256)
def _request(text: str) -> RequestDirectives:
    found = _parts(text)
    any_age = "max-stale" in found and "" in found["max-stale"]
    return RequestDirectives(
        no_store="no-store" in found,
        no_cache="no-cache" in found,
        only_if_cached="only-if-cached" in found,
        no_transform="no-transform" in found,
        max_age_s=_seconds(found, "max-age"),
        max_stale_s=MOST_SECONDS if any_age else _seconds(found, "max-stale"),
        min_fresh_s=_seconds(found, "min-fresh"),
        stale_if_error_s=_seconds(found, "stale-if-error"),
    )


def _parts(text: str) -> dict[str, list[str]]:
    """Directive, lower case -> its arguments in order, unquoted; "" for none."""
    found: dict[str, list[str]] = {}
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            at += 1
            continue
        found.setdefault(match[1].lower(), []).append((match[2] or "").strip('"'))
        at = match.end()
    return found


def _names(arguments: list[str] | None) -> frozenset[str]:
    """The fields of a qualified directive; the bare form anywhere makes it unqualified: the stricter holds."""
    if not arguments or not all(arguments):
        return frozenset()
    return frozenset(name.strip().lower() for text in arguments for name in text.split(",") if name.strip())


def _seconds(found: dict[str, list[str]], name: str) -> int | None:
    if name not in found:
        return None
    return min(_delta(text) for text in found[name])


def _delta(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:12]), MOST_SECONDS)
