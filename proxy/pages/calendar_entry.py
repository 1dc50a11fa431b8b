"""The .ics of a consultation's next opening.

Laws of this file: times in UTC, so that no device needs a time-zone table; the same opening of the same page has the
same UID, so that a calendar updates its entry and never doubles it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from proxy.pages.context import PageContext
from proxy.pages.phrases import phrases

_ALARM_BEFORE = timedelta(minutes=10)


def ics(context: PageContext, *, starts_at: datetime, ends_at: datetime | None = None) -> bytes:
    """A calendar with one event that reminds ten minutes before. ends_at None: no end is stated (RFC 5545 3.6.1)."""
    say, institute = phrases(context.language), context.territory.institute
    what = say.first(f"ics.{context.decision.traffic_class}", "ics.other")
    summary = say("ics.summary", what=what, title=context.origin_title) if context.origin_title else what
    event = Event()
    event.add("uid", _uid(context.page_url, starts_at))
    event.add("dtstamp", context.now.astimezone(UTC))
    event.add("dtstart", starts_at.astimezone(UTC))
    if ends_at is not None:
        event.add("dtend", ends_at.astimezone(UTC))
    event.add("summary", summary)
    if institute.phone:
        name = institute.name.in_language(context.language)
        event.add("description", say("ics.contact", name=name, phone=institute.phone))
    if context.page_url:
        event.add("url", context.page_url)
    event.add_component(_alarm(say("ics.alarm")))
    calendar = Calendar()
    calendar.add("prodid", f"-//Tropa//{context.language.upper()}")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _alarm(text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", -_ALARM_BEFORE)
    return alarm


def _uid(page_url: str, starts_at: datetime) -> str:
    key = f"{page_url}\n{starts_at.astimezone(UTC).isoformat()}"
    return f"{hashlib.sha256(key.encode('utf-8')).hexdigest()[:24]}@tropa"
