"""Which policy holds for a request: the place's own, or that of its most specific exception.

Laws of this file: an exception matches where all its conditions do; more conditions are more specific, of equals the
first in the file; dates are days of the place's own zone, both included.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from policies.facts import RequestFacts
from policies.model import Policy, PolicyException, Territory
from policies.paths import meant
from policies.rules.situation import earlier
from policies.values import Mode
from policies.windows import first_instant

_DAY = timedelta(days=1)


def policy_for(territory: Territory, request: RequestFacts, now: datetime) -> tuple[Policy, str, datetime | None]:
    """The policy, the YAML place that chose it, and when dates alone may choose another (UTC; None: never)."""
    best: PolicyException | None = None
    valid_until: datetime | None = None
    for exception in matching(territory, request):
        valid_until = earlier(valid_until, _next_boundary(exception, territory, now))
        if _in_force(exception, territory, now) and (best is None or _conditions(exception) > _conditions(best)):
            best = exception
    if best is None:
        return territory.policy, territory.source, valid_until
    return best.policy, best.source, valid_until


def matching(territory: Territory, request: RequestFacts) -> tuple[PolicyException, ...]:
    """The exceptions whose conditions hold for the request, dates apart, in the file's order."""
    return tuple(exception for exception in territory.exceptions if _matches(exception, request))


def _matches(exception: PolicyException, request: RequestFacts) -> bool:
    if exception.origin is not None and exception.origin != request.origin:
        return False
    if exception.host is not None and not host_matches(exception.host, request.host):
        return False
    if exception.path is not None and not _lies_in(exception.path, request):
        return False
    return exception.group is None or exception.group in request.groups


def _lies_in(path: re.Pattern[str], request: RequestFacts) -> bool:
    """A tunnel's path isn't known, so none holds for it."""
    return request.mode is not Mode.TUNNEL and path.search(meant(request.path)) is not None


def host_matches(pattern: str, host: str) -> bool:
    """Whether a host is the pattern, or for `*.example.org` any name under it."""
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _conditions(exception: PolicyException) -> int:
    stated = (exception.origin, exception.host, exception.path, exception.group, exception.dates)
    return sum(condition is not None for condition in stated)


def _in_force(exception: PolicyException, territory: Territory, now: datetime) -> bool:
    if exception.dates is None:
        return True
    start, end = _edges(exception.dates, territory)
    return start <= now < end


def _next_boundary(exception: PolicyException, territory: Territory, now: datetime) -> datetime | None:
    if exception.dates is None:
        return None
    return min((edge for edge in _edges(exception.dates, territory) if edge > now), default=None)


def _edges(dates: tuple[date, date], territory: Territory) -> tuple[datetime, datetime]:
    """The first instant of the first day and the first after the last."""
    first, last = dates
    start = first_instant(datetime.combine(first, time(0)), territory.zone)
    return start, first_instant(datetime.combine(last + _DAY, time(0)), territory.zone)
