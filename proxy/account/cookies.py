"""Tropa's own cookie, and reading others' by name.

Laws of this file: the cookie is signed, so a learner can't invent an identity or a place; it is `__Host-` bound
over https (RFC 6265bis section 4.1.3.2), so no neighbouring site can plant it; it never travels to the origin.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from policies.frozen import Frozen
from proxy.account.secret import Keyed

SECURE_NAME = "__Host-tropa"
PLAIN_NAME = "tropa"  # `__Host-` needs Secure, which plain http can't have
LIFETIME = timedelta(days=90)  # a term: long enough for a course, short enough to forget a PC
_MAX_VALUE_CHARS = 512
_SEPARATOR = "!"  # lawful in a cookie, and never left bare by quote()


class OwnCookie(Frozen, frozen=True, kw_only=True):
    """What Tropa remembers in a browser.

    id        random, "" for none (only a place or a language is remembered)
    region    the learner's own pick, "" for none; site "" for the region itself
    language  "ru", "en" or "" for what the browser asks
    """

    id: str = ""
    region: str = ""
    site: str = ""
    language: str = ""
    expires: datetime = datetime(1970, 1, 1, tzinfo=UTC)


EMPTY = OwnCookie()


def cookie_name(scheme: str) -> str:
    return SECURE_NAME if scheme == "https" else PLAIN_NAME


def cookie_value(header: str, name: str) -> str | None:
    """The first value of that name in a Cookie header; None if there is none."""
    if name not in header:
        return None
    for pair in header.split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name:
            return value.strip().strip('"')
    return None


def write(cookie: OwnCookie, keyed: Keyed) -> str:
    """The cookie's value, signed."""
    fields = (cookie.id, quote(cookie.region, safe=""), quote(cookie.site, safe=""), cookie.language)
    body = _SEPARATOR.join((*fields, format(int(cookie.expires.timestamp()), "x")))
    return f"{body}{_SEPARATOR}{_mark(body, keyed)}"


def read(value: str | None, keyed: Keyed, now: datetime) -> OwnCookie:
    """What a value says; EMPTY for a forged, damaged or expired one."""
    if not value or len(value) > _MAX_VALUE_CHARS or not value.isascii():
        return EMPTY
    body, _, mark = value.rpartition(_SEPARATOR)
    if body.count(_SEPARATOR) != 4 or not hmac.compare_digest(mark, _mark(body, keyed)):
        return EMPTY
    learner, region, site, language, deadline = body.split(_SEPARATOR)
    expires = datetime.fromtimestamp(int(deadline, 16), UTC)
    if expires <= now:
        return EMPTY
    return OwnCookie(id=learner, region=unquote(region), site=unquote(site), language=language, expires=expires)


def set_cookie(cookie: OwnCookie, keyed: Keyed, *, scheme: str) -> str:
    """A whole Set-Cookie value for the public URL's scheme."""
    secure = "; Secure" if scheme == "https" else ""
    age_s = int(LIFETIME.total_seconds())
    attributes = f"Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"
    return f"{cookie_name(scheme)}={write(cookie, keyed)}; {attributes}"


def _mark(body: str, keyed: Keyed) -> str:
    digest = keyed.digest("cookie", body, size_bytes=12)
    return urlsafe_b64encode(digest).decode("ascii")
