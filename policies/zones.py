"""Time zones that don't depend on the machine: from the tzdata package alone."""

from __future__ import annotations

import zoneinfo
from functools import cache
from zoneinfo import ZoneInfo

from policies.faults import Wrong, nearest

# A village machine's own zone files may be years old; the locked package is what was tested.
zoneinfo.reset_tzpath(to=())


@cache
def known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as Asia/Kamchatka. Raises Wrong for any other name."""
    if name in known_zones():
        return ZoneInfo(name)
    near = nearest(name, known_zones()) or _by_city(name)
    cure = f"did you mean {near}?" if near else "write a name like Asia/Kamchatka or Europe/Moscow"
    raise Wrong(f"unknown time zone {name!r}", cure)


def _by_city(name: str) -> str | None:
    cities = {known.rpartition("/")[2]: known for known in sorted(known_zones())}
    city = nearest(name.rpartition("/")[2], cities)
    return cities[city] if city else None
