"""Time zones that don't depend on the machine: from the tzdata package alone."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo

from policies.faults import Wrong, nearest, unseen_slip

# A village machine's own zone files may be years old; the locked package is what was tested.
zoneinfo.reset_tzpath(to=())


# Russia's zones by their hours ahead of UTC (one that most people there live in), and what they are called in talk.
_BY_HOURS: Mapping[int, str] = {
    2: "Europe/Kaliningrad", 3: "Europe/Moscow", 4: "Europe/Samara", 5: "Asia/Yekaterinburg", 6: "Asia/Omsk",
    7: "Asia/Krasnoyarsk", 8: "Asia/Irkutsk", 9: "Asia/Yakutsk", 10: "Asia/Vladivostok", 11: "Asia/Magadan",
    12: "Asia/Kamchatka",
}  # fmt: skip
_IN_TALK: Mapping[str, str] = {
    "msk": "Europe/Moscow", "мск": "Europe/Moscow", "москва": "Europe/Moscow", "petersburg": "Europe/Moscow",
    "петербург": "Europe/Moscow", "kazan": "Europe/Moscow", "казань": "Europe/Moscow",
    "калининград": "Europe/Kaliningrad", "самара": "Europe/Samara", "ekaterinburg": "Asia/Yekaterinburg",
    "екатеринбург": "Asia/Yekaterinburg", "perm": "Asia/Yekaterinburg", "пермь": "Asia/Yekaterinburg",
    "tyumen": "Asia/Yekaterinburg", "тюмень": "Asia/Yekaterinburg", "омск": "Asia/Omsk",
    "новосибирск": "Asia/Novosibirsk", "томск": "Asia/Tomsk", "барнаул": "Asia/Barnaul",
    "красноярск": "Asia/Krasnoyarsk", "иркутск": "Asia/Irkutsk", "якутск": "Asia/Yakutsk", "чита": "Asia/Chita",
    "khabarovsk": "Asia/Vladivostok", "хабаровск": "Asia/Vladivostok", "владивосток": "Asia/Vladivostok",
    "сахалин": "Asia/Sakhalin", "магадан": "Asia/Magadan", "petropavlovsk": "Asia/Kamchatka",
    "петропавловск": "Asia/Kamchatka", "камчатка": "Asia/Kamchatka", "анадырь": "Asia/Anadyr",
}  # fmt: skip
_OFFSET = re.compile(r"(utc|gmt|msk|мск)?\s*([+-]\d{1,2})(?::?00)?")


@cache
def known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as Asia/Kamchatka. Raises Wrong for any other name."""
    if name in known_zones():
        return ZoneInfo(name)
    near = _said_otherwise(name) or _by_city(name) or nearest(name, known_zones())
    cure = f"{unseen_slip(name)}did you mean {near}?" if near else "write a name like Asia/Kamchatka or Europe/Moscow"
    raise Wrong(f"unknown time zone {name!r}", cure)


def _said_otherwise(name: str) -> str | None:
    """The zone that people mean by "MSK", "МСК+9", "UTC+12" or a city without a zone of its own."""
    said = name.strip().casefold()
    if match := _OFFSET.fullmatch(said):
        return _BY_HOURS.get(int(match[2]) + (3 if match[1] in ("msk", "мск") else 0))
    city = re.split(r"[\s_-]+", said.rpartition("/")[2])
    return next((_IN_TALK[word] for word in city if word in _IN_TALK), None)


def _by_city(name: str) -> str | None:
    cities = {known.rpartition("/")[2]: known for known in sorted(known_zones())}
    city = nearest(name.rpartition("/")[2], cities)
    return cities[city] if city else None
