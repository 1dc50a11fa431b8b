"""How old a stored response is and how long it is fresh (RFC 9111 section 4.2): arithmetic on seconds.

Laws: an age never falls while the clock goes forward; a clock that went back makes an age unknown, and then nothing
counts as fresh; a date that can't be read is a date in the past.
"""

from __future__ import annotations

import re
from calendar import timegm
from email.utils import parsedate_tz
from functools import lru_cache

from policies.frozen import Frozen
from proxy.cache.http.directives import MOST_SECONDS, Fields, response_directives

HEURISTIC_SHARE = 0.1  # section 4.2.2: "a typical setting of this fraction might be 10 %"
MOST_HEURISTIC_S = 86_400
# RFC 9110 section 15.1: statuses whose answers may be kept by heuristics.
HEURISTIC_STATUSES = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})
_CLOCK_SLACK_S = 2.0  # two readings of one clock may differ by rounding
_DATE = re.compile(r"[A-Za-z]{3,9},? .{10,30}")


class Moments(Frozen, frozen=True, kw_only=True):
    """When a response was asked for and when it came, by our own clock."""

    asked_s: float
    came_s: float


@lru_cache(maxsize=4096)
def date_s(text: str) -> float | None:
    """An HTTP date (RFC 9110 section 5.6.7, all three forms) in seconds; None: it is none."""
    if not _DATE.fullmatch(text):
        return None
    found = parsedate_tz(text)
    if found is None:
        return None
    try:
        return float(timegm((*found[:6], 0, 0, 0)) - (found[9] or 0))
    except (ValueError, OverflowError):
        return None


def initial_age_s(headers: Fields, moments: Moments) -> float:
    """Section 4.2.3: the age when it came, by its Date or by what caches on the way counted, whichever is more."""
    date = date_s(headers.get("Date", ""))
    apparent = max(0.0, moments.came_s - date) if date is not None else 0.0
    counted = age_value(headers) + max(0.0, moments.came_s - moments.asked_s)
    return max(apparent, counted)


def age_value(headers: Fields) -> int:
    """The Age field (section 5.1); the first of several, 0 for one that can't be read."""
    text = headers.get("Age", "0").split(",")[0].strip()
    return min(int(text[:12]), MOST_SECONDS) if text.isascii() and text.isdigit() else 0


def age_s(initial_s: float, came_s: float, now_s: float) -> float | None:
    """The age now; None where the clock stands before the response came, so that nobody knows."""
    resident = now_s - came_s
    if resident < -_CLOCK_SLACK_S:
        return None
    return initial_s + max(0.0, resident)


def explicit_lifetime_s(headers: Fields, came_s: float) -> float | None:
    """Section 4.2.1: s-maxage, else max-age, else Expires; None where the origin said nothing."""
    directives = response_directives(headers)
    if directives.s_maxage_s is not None:
        return directives.s_maxage_s
    if directives.max_age_s is not None:
        return directives.max_age_s
    if "Expires" not in headers:
        return None
    expires = date_s(headers["Expires"])  # the first of several
    if expires is None:
        return 0.0
    date = date_s(headers.get("Date", ""))
    return max(0.0, expires - (date if date is not None else came_s))


def heuristic_lifetime_s(status: int, headers: Fields, came_s: float) -> float | None:
    """Section 4.2.2: a tenth of the time since it was changed, a day at most; None where none may be guessed."""
    if status not in HEURISTIC_STATUSES and not response_directives(headers).public:
        return None
    modified = date_s(headers.get("Last-Modified", ""))
    if modified is None:
        return None
    date = date_s(headers.get("Date", ""))
    since = (date if date is not None else came_s) - modified
    return min(max(0.0, since) * HEURISTIC_SHARE, MOST_HEURISTIC_S)
