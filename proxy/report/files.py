"""Reports that are written by themselves: which is due, its files, and when they go.

Laws of this file: what is due is computed from what lies in the folder, so that a report that was missed is made by
the next turn, and none is made twice; a day or week is reported when it is over and summed up.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from policies.model import Catalogue
from proxy.account.ledger import ReportRow, report
from proxy.account.rollup import kept_at, span_end, span_start, zones_of
from proxy.account.state import Span, State
from proxy.operate.files import write_whole
from proxy.report.facts import Night, report_facts
from proxy.report.page import report_page

GROUPED = ("region", "site", "origin", "class", "kind", "day")
_SETTLED = timedelta(minutes=10)  # what was going on at midnight has its receipts by then
_MISSED = 3  # so many periods back are caught up
_NAME = re.compile(r"report-(\d{4}-\d{2}-\d{2}|\d{4}-W\d{2})(-nights)?\.(html|csv)")


def name_of(span: Span, day: date) -> str:
    """The report's name without ending: report-2026-11-23, or report-2026-W48."""
    if span is Span.DAY:
        return f"report-{day.isoformat()}"
    year, week, _ = day.isocalendar()
    return f"report-{year}-W{week:02}"


def due(span: Span, zone: ZoneInfo, now: datetime, there: Collection[str]) -> tuple[date, ...]:
    """A day of each period that is over and has no report among the names that are there, the earliest first."""
    step = timedelta(days=1 if span is Span.DAY else 7)
    today = now.astimezone(zone).date()
    days = [today - step * back for back in range(_MISSED, 0, -1)]
    over = [day for day in days if span_end(span, day, zone) + _SETTLED <= now]
    return tuple(day for day in over if name_of(span, day) not in there)


def gone(names: Iterable[str], keep_days: int, today: date) -> tuple[str, ...]:
    """Of these file names the reports whose period began more than keep_days ago; other files are left alone."""
    return tuple(name for name in names if (day := _day_of(name)) is not None and (today - day).days > keep_days)


def _day_of(name: str) -> date | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        if "W" not in match[1]:
            return date.fromisoformat(match[1])
        year, _, week = match[1].partition("-W")
        return date.fromisocalendar(int(year), int(week), 1)
    except ValueError:
        return None


async def write_due(folder: Path, state: State, catalogue: Catalogue, now: datetime) -> int:
    """Write the reports that are due and take away those that are too old. Returns how many were written.

    Raises OSError where the folder can't be written.
    """
    wanted = catalogue.settings.reports
    if wanted.every == "never":
        return 0
    span, zone = Span(wanted.every), report_zone(catalogue)
    names = await asyncio.to_thread(_names_in, folder)
    days = due(span, zone, now, {name.removesuffix(".html") for name in names if name.endswith(".html")})
    for day in days:
        since, until = span_start(span, day, zone), span_end(span, day, zone)
        table = await csv_report(state, catalogue, since, until, now)
        facts = await report_facts(state, catalogue, since, until, now, zone)
        page = await asyncio.to_thread(report_page, facts, catalogue, wanted.language)
        told = [(".csv", table), (".html", page)]  # the page last: it says that all are there
        if facts.nights:
            told.insert(0, ("-nights.csv", nights_csv(facts.nights)))
        for ending, content in told:
            await asyncio.to_thread(write_whole, folder / f"{name_of(span, day)}{ending}", content)
    old = gone(names, wanted.keep_days, now.astimezone(zone).date())
    await asyncio.to_thread(_take_away, folder, old)
    return len(days)


def _names_in(folder: Path) -> list[str]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [path.name for path in folder.iterdir()]


def _take_away(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)


def report_zone(catalogue: Catalogue) -> ZoneInfo:
    """Whose days reports are of: as written, else the first region's."""
    zones = zones_of(catalogue)
    return catalogue.settings.reports.zone or next(iter(zones.values()), ZoneInfo("UTC"))


async def csv_report(state: State, catalogue: Catalogue, since: datetime, until: datetime, now: datetime) -> bytes:
    """Every line of [since, until) by all groupings, as a table for other programs."""
    kept = kept_at(catalogue.settings.limits, now)
    rows = await report(state, since=since, until=until, by=GROUPED, zones=zones_of(catalogue), kept=kept)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*GROUPED, *CSV_FIELDS])
    writer.writerows([*row.group, *csv_values(row)] for row in rows)
    return out.getvalue().encode("utf-8")


_USE_FIELDS = ("files", "bytes", "opened_files", "opened_bytes", "films", "opened_films")


def nights_csv(nights: Iterable[Night]) -> bytes:
    """What each place's nights fetched and brought, and what was opened of it; empty where that isn't known."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["place", "opens", "fetched_bytes", *_USE_FIELDS])
    for night in nights:
        use = asdict(night.use) if night.use is not None else {}
        used = [use.get(name, "") for name in _USE_FIELDS]
        writer.writerow([night.place, night.opens.isoformat(), night.nbytes, *used])
    return out.getvalue().encode("utf-8")


CSV_FIELDS = (
    *("exchanges", "bytes_from_origin", "bytes_to_learner", "bytes_up", "metered_bytes", "bytes_direct"),
    *("bytes_withheld", "currency", "cost", "saved_bytes", "saved_cost"),
)


def csv_values(row: ReportRow) -> list[object]:
    """The values of `CSV_FIELDS`."""
    known = asdict(row.sums) | {
        "currency": row.currency,
        "cost": row.cost,
        "saved_bytes": row.saved_bytes,
        "saved_cost": row.saved_cost,
    }
    return [known[name] for name in CSV_FIELDS]
