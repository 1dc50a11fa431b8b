"""A request's conditions judged on a stored response (RFC 9111 section 4.3.2, RFC 9110 section 13).

Laws: If-None-Match is compared weakly and goes before If-Modified-Since; If-Range is compared strongly.
"""

from __future__ import annotations

import re

from proxy.cache.http.directives import Fields
from proxy.cache.http.freshness import date_s

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
CONDITIONS = ("If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range")


def only_origin_can_say(headers: Fields) -> bool:
    """Whether a request has conditions that no store may judge (RFC 9111 section 4.3.2)."""
    return "If-Match" in headers or "If-Unmodified-Since" in headers


def is_strong(etag: str) -> bool:
    return len(etag) > 2 and etag.startswith('"') and etag.endswith('"')


def opaque(etag: str) -> str:
    """The tag without its weakness."""
    return etag.removeprefix("W/")


def tags_in(value: str) -> list[str]:
    """The opaque tags of an If-None-Match."""
    return _TAG.findall(value)


def not_modified(request: Fields, response: Fields) -> bool:
    """Whether the client holds this response already: it gets a 304."""
    if "If-None-Match" in request:
        value = ", ".join(request.getall("If-None-Match")).strip()
        return value == "*" or ("ETag" in response and opaque(response["ETag"]) in tags_in(value))
    if "If-Modified-Since" in request:
        since = date_s(request["If-Modified-Since"])
        changed = date_s(response.get("Last-Modified", response.get("Date", "")))
        return since is not None and changed is not None and changed <= since
    return False


def range_holds(request: Fields, response: Fields) -> bool:
    """Whether a Range may be answered in part: no If-Range, or one that names this very content (section 13.1.5)."""
    if "If-Range" not in request:
        return True
    wanted = request["If-Range"].strip()
    if wanted.startswith(("W/", '"')):
        return is_strong(wanted) and wanted == response.get("ETag", "")
    return _is_strong_date(response) and wanted == response["Last-Modified"]


def _is_strong_date(response: Fields) -> bool:
    """RFC 9110 section 8.8.2.2: a date proves the bytes where it lies well before the answer's own."""
    modified, date = date_s(response.get("Last-Modified", "")), date_s(response.get("Date", ""))
    return modified is not None and date is not None and date - modified >= 60
