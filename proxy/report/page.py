"""A report as one HTML file that needs nothing else: no script, no picture, no style from elsewhere.

Laws of this file: it reads at 320 px and prints on A4; the bars repeat what the figures say and add nothing; names come
from the configuration and are escaped by the template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from policies.frozen import Frozen
from policies.model import Catalogue
from proxy.account.ledger import ReportRow
from proxy.night.used import Use
from proxy.pages.figures import money_text, size_text
from proxy.pages.phrases import Phrases, phrases
from proxy.pages.render import render
from proxy.report.facts import TABLES, Night, ReportFacts, RunOut

_BAR_PX = 120


class Row(Frozen, frozen=True, kw_only=True):
    """A line of a table, ready to be set. came_px, saved_px: parts of the bar, of what would have come directly."""

    name: str
    direct: str
    came: str
    saved: str
    share: str
    spent: str
    spared: str
    withheld: str
    came_px: int = 0
    saved_px: int = 0


class Table(Frozen, frozen=True, kw_only=True):
    title: str
    first: str
    rows: tuple[Row, ...]
    more: int


def report_page(facts: ReportFacts, catalogue: Catalogue, language: str) -> bytes:
    """The report in "ru" or "en", UTF-8."""
    say = phrases(language)
    tables = [_table(name, facts, catalogue, say) for name in TABLES]
    markup = render(
        "report.html",
        language,
        span=_span(facts, say),
        made=format_datetime(facts.made_at, "d MMMM y, HH:mm", locale=say.locale),
        zone=str(facts.zone),
        totals=[_row(row, row.currency, say, _most((row,))) for row in facts.totals],
        tables=[table for table in tables if table.rows],
        hours=[_hour(row, catalogue, say) for row in facts.dear_hours],
        nights=[_night(row, catalogue, say) for row in facts.nights],
        run_out=[_run_out(row, catalogue, facts.zone, say) for row in facts.run_out],
        bar_px=_BAR_PX,
    )
    return markup.encode("utf-8")


def _span(facts: ReportFacts, say: Phrases) -> str:
    first = format_date(facts.since.date(), "d MMMM y", locale=say.locale)
    last = format_datetime(facts.until, "d MMMM y, HH:mm", locale=say.locale)
    return say("report.span", first=first, last=last)


def _table(name: str, facts: ReportFacts, catalogue: Catalogue, say: Phrases) -> Table:
    rows, naming = facts.tables[name], _naming(name, catalogue, say)
    most = _most(rows)
    return Table(
        title=say(f"report.by.{name}"),
        first=say(f"report.first.{name}"),
        rows=tuple(_row(row, naming(row.group[0]), say, most) for row in rows),
        more=facts.more[name],
    )


def _most(rows: tuple[ReportRow, ...]) -> int:
    return max((max(row.sums.bytes_direct, row.sums.bytes_to_learner) for row in rows), default=0) or 1


def _row(row: ReportRow, name: str, say: Phrases, most: int) -> Row:
    language = say.language
    came, saved = row.sums.bytes_to_learner, max(0, row.saved_bytes)
    return Row(
        name=name,
        direct=size_text(row.sums.bytes_direct, language),
        came=size_text(came, language),
        saved=_signed(row.saved_bytes, language),
        share="" if row.saved_share is None else f"{row.saved_share * 100:.0f}\u00a0%",
        spent=_money(row.cost, row.currency, language),
        spared=_money(row.saved_cost, row.currency, language),
        withheld=size_text(row.sums.bytes_withheld, language) if row.sums.bytes_withheld else "",
        came_px=round(_BAR_PX * came / most),
        saved_px=round(_BAR_PX * saved / most),
    )


def _signed(nbytes: int, language: str) -> str:
    return size_text(nbytes, language) if nbytes >= 0 else "−" + size_text(-nbytes, language)


def _money(amount: Decimal, currency: str, language: str) -> str:
    if not amount:
        return ""
    return money_text(amount, currency, language) if amount > 0 else "−" + money_text(-amount, currency, language)


# -- names -----------------------------------------------------------------------------------------------------


def _naming(name: str, catalogue: Catalogue, say: Phrases) -> Callable[[str], str]:
    names: Mapping[str, Callable[[str], str]] = {
        "region": lambda value: _place(value, catalogue, say),
        "site": lambda value: _place(value, catalogue, say),
        "origin": lambda value: _origin(value, catalogue, say),
        "class": lambda value: say.first(f"report.class.{value}", "report.class.general"),
        "kind": lambda value: say.first(f"report.kind.{value}", "report.kind.other"),
        "day": lambda value: format_date(datetime.fromisoformat(value).date(), "d MMMM, EEE", locale=say.locale),
    }
    return names[name]


def _place(value: str, catalogue: Catalogue, say: Phrases) -> str:
    region, _, site = value.partition("/")
    territory = catalogue.territories.get((region, site or None))
    title = territory.title.in_language(say.language) if territory is not None else ""
    return f"{title} ({value})" if title and title != value else value or "?"


def _origin(value: str, catalogue: Catalogue, say: Phrases) -> str:
    origin = catalogue.origins.get(value)
    title = origin.title.in_language(say.language) if origin is not None else ""
    return title or value or say("report.elsewhere")


def _hour(row: ReportRow, catalogue: Catalogue, say: Phrases) -> tuple[str, str, str, str]:
    region, hour = row.group
    territory = catalogue.territories.get((region, None))
    at = datetime.fromisoformat(hour.replace("Z", "+00:00"))
    local = at if territory is None else at.astimezone(territory.zone)
    when = format_datetime(local, "d MMMM, HH:mm", locale=say.locale)
    came = size_text(row.sums.metered_bytes, say.language)
    return when, _place(region, catalogue, say), came, _money(row.cost, row.currency, say.language)


def _night(row: Night, catalogue: Catalogue, say: Phrases) -> tuple[str, str, str, str]:
    region, _, site = row.place.partition("/")
    territory = catalogue.territories.get((region, site or None))
    local = row.opens if territory is None else row.opens.astimezone(territory.zone)
    when = format_datetime(local, "d MMMM, HH:mm", locale=say.locale)
    return _place(row.place, catalogue, say), when, size_text(row.nbytes, say.language), _used(row.use, say)


def _used(use: Use | None, say: Phrases) -> str:
    """What was opened of it: "3 из 12, лекций и записей 1 из 2"."""
    if use is None:
        return ""
    told = say("report.used", count=use.opened_files, of=use.files)
    return f"{told}, {say('report.used_films', count=use.opened_films, of=use.films)}" if use.films else told


def _run_out(row: RunOut, catalogue: Catalogue, zone: ZoneInfo, say: Phrases) -> tuple[str, str, str]:
    where = "; ".join(_place(name, catalogue, say) for name in row.where)
    whose = say.plural("report.learners", row.holders) if row.scope == "learner" else say(f"report.scope.{row.scope}")
    start = format_datetime(row.start.astimezone(zone), "d MMMM, HH:mm", locale=say.locale)
    amount = size_text(row.amount_bytes, say.language)
    return where, whose, say(f"report.ran_out.{row.period}", amount=amount, start=start)
