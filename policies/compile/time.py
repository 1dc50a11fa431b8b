"""Calendars and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from policies.compile.spot import Spot
from policies.faults import did_you_mean
from policies.frozen import Frozen
from policies.model import Calendar, Window
from policies.schema.time import WindowSection
from policies.units import as_time


class Clockwork(Frozen, frozen=True, kw_only=True):
    """What windows need: the zone of a clock that names none, and the calendars."""

    zone: ZoneInfo
    calendars: Mapping[str, Calendar]

    def in_zone(self, zone: ZoneInfo | None) -> Clockwork:
        return self if zone is None else Clockwork(zone=zone, calendars=self.calendars)


def compile_windows(sections: Sequence[WindowSection], spot: Spot, clockwork: Clockwork) -> tuple[Window, ...]:
    found = (compile_window(section, spot.at(index), clockwork) for index, section in enumerate(sections))
    return tuple(window for window in found if window is not None)


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
