"""Calendars and windows as written, in their own time zones.

Law: what is wrong leaves a fault at its place and something to go on with, so that all faults are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from zoneinfo import ZoneInfo

from policies.compile.spot import Spot
from policies.faults import did_you_mean
from policies.frozen import Frozen
from policies.model import Calendar, Window
from policies.schema.time import WindowSection
from policies.units import as_time

_DAY_MIN = 1440
_WEEK_MIN = 7 * _DAY_MIN


class Clockwork(Frozen, frozen=True, kw_only=True):
    """What windows need: the zone of a clock that names none, and the calendars."""

    zone: ZoneInfo
    calendars: Mapping[str, Calendar]

    def in_zone(self, zone: ZoneInfo | None) -> Clockwork:
        return self if zone is None else Clockwork(zone=zone, calendars=self.calendars)


def compile_windows(sections: Sequence[WindowSection], spot: Spot, clockwork: Clockwork) -> tuple[Window, ...]:
    found = [compile_window(section, spot.at(index), clockwork) for index, section in enumerate(sections)]
    _warn_of_overlaps(found, spot)
    return tuple(window for window in found if window is not None)


def _warn_of_overlaps(windows: Sequence[Window | None], spot: Spot) -> None:
    """Windows that only some days have are left alone: they are written to overlap."""
    whole: list[tuple[int, Window]] = []
    for index, window in enumerate(windows):
        if window is None or window.only or window.not_on or window.dates:
            continue
        shared = next((number for number, other in whole if _share_a_minute(window, other)), None)
        if shared is not None:
            problem = f"overlaps window {shared + 1} of this list, and where both hold the first counts"
            spot.at(index).warn(problem, "end one where the other begins")
        whole.append((index, window))


def _share_a_minute(one: Window, other: Window) -> bool:
    if one.zone != other.zone:
        return False
    apart = [(there - here) % _WEEK_MIN for here in _starts(one) for there in _starts(other)]
    return any(gap < _length_min(one) or (-gap) % _WEEK_MIN < _length_min(other) for gap in apart)


def _starts(window: Window) -> list[int]:
    """Minutes of the week."""
    return [day * _DAY_MIN + _of_day(window.start) for day in window.weekdays]


def _length_min(window: Window) -> int:
    end = _of_day(window.end) if window.end is not None else _DAY_MIN
    return (end - _of_day(window.start)) % _DAY_MIN or _DAY_MIN


def _of_day(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def compile_window(section: WindowSection, spot: Spot, clockwork: Clockwork) -> Window | None:
    """None when the window is faulty."""
    if section.start == 1440:
        spot.at("from").fault("a window can't begin at 24:00", "write 00:00 and the next day")
        return None
    if section.start == section.end % 1440 and section.end != 1440:
        spot.at("to").fault("the window ends when it begins", "write 24:00 for a whole day: from 00:00 to 24:00")
        return None
    return Window(
        zone=section.timezone or clockwork.zone,
        weekdays=section.days,
        start=as_time(section.start),
        end=None if section.end == 1440 else as_time(section.end),
        only=named_calendars(section.only, spot.at("only"), clockwork),
        not_on=named_calendars(section.not_on, spot.at("not_on"), clockwork),
        dates=section.dates,
        price_per_mb=section.price[0] if section.price else None,
        down_bps=section.link.down if section.link else None,
        up_bps=section.link.up if section.link else None,
        rate_share=section.rate_share,
        source=spot.source,
    )


def named_calendars(names: Sequence[str], spot: Spot, clockwork: Clockwork) -> tuple[Calendar, ...]:
    for index, name in enumerate(names):
        if name not in clockwork.calendars:
            cure = did_you_mean(name, clockwork.calendars) or "add it under calendars:"
            spot.at(index).fault(f"unknown calendar {name}", cure)
    return tuple(clockwork.calendars[name] for name in names if name in clockwork.calendars)
