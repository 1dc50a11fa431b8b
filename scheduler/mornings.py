"""Which nights are over and owe their report, computed from the free hours and from when that was last looked at.

Laws of this file:
- pure; the clock is an argument; whoever looks may come as seldom and as late as it happens: a night between two looks
  is found by its hours, however short it was;
- each night owes one report; of several that ended between two looks the last one alone, for a report tells how things
  stand now;
- a clock set back makes no night end twice; one that had gone far ahead is believed again once it is set right.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.model import Windows
from scheduler.night import NightSpan, next_night, night_at

_LOOKBACK = timedelta(days=3)  # what ended longer ago is no morning's news
_SET_BACK = timedelta(days=2)  # a clock that goes back by more had been wrong, not corrected


class Noted(Frozen, frozen=True, kw_only=True):
    """How far a place's nights are accounted for.

    at    the latest instant that was looked at
    open  the key of the night, or of the test, that was under way then; ""
    """

    at: datetime
    open: str = ""


class Look(Frozen, frozen=True, kw_only=True):
    """What one look found. owes: the key of the night whose report is due; ""."""

    noted: Noted
    owes: str = ""


def look(noted: Noted | None, free: Windows, zone: ZoneInfo, current: NightSpan | None, now: datetime) -> Look:
    """current: the night under way, a test that IT staff began included. noted None: nobody has looked before."""
    open_key = current.key if current is not None else ""
    if noted is None or noted.at - now > _SET_BACK:
        return Look(noted=Noted(at=now, open=open_key))
    if now <= noted.at:
        return Look(noted=noted)
    ended = last_ended(free, zone, max(noted.at, now - _LOOKBACK), now)
    owes = ended.key if ended is not None else ""
    if noted.open and noted.open != open_key:
        owes = owes or noted.open  # a test's end, or hours that a change of policy has shortened
    return Look(noted=Noted(at=now, open=open_key), owes=owes)


def last_ended(free: Windows, zone: ZoneInfo, since: datetime, now: datetime) -> NightSpan | None:
    """The last night that ended in (since, now]; None: none did."""
    found: NightSpan | None = None
    at: datetime | None = since
    while at is not None and at <= now:
        night = night_at(free, zone, at)
        if night is None:
            at = next_night(free, at)
        elif night.closes <= now:
            found, at = night, night.closes
        else:
            break
    return found
