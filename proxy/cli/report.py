"""`tropa report`: megabytes and roubles, spent and saved."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.values import Text
from proxy.cli.command import OK, Argument, Call, Command, Failure, Mistake, state_option
from proxy.cli.kept import read_state
from proxy.cli.spans import parse_moment
from proxy.cli.table import table

if TYPE_CHECKING:
    from policies.model import Catalogue
    from proxy.account.ledger import ReportRow

_GROUPINGS = ("region", "site", "origin", "class", "kind", "hour", "day", "week")
_DEFAULT_SINCE = "7d"


def _run(call: Call) -> int:
    from proxy.account.ledger import report
    from proxy.account.rollup import kept_at, zones_of

    args = call.args
    if args.json and args.csv:
        raise Mistake("--json and --csv exclude each other; give one of them")
    now = call.clock.now().astimezone()
    since, until = parse_moment(args.since, now), parse_moment(args.until, now)
    if until <= since:
        raise Mistake(f"--until ({until:%Y-%m-%d %H:%M}) must be later than --since ({since:%Y-%m-%d %H:%M})")
    catalogue = _catalogue(call)
    if args.html is not None:
        return _write_html(call, catalogue, since, until)
    zones, kept = zones_of(catalogue), kept_at(catalogue.settings.limits, now)
    rows = read_state(
        args.state, lambda state: report(state, since=since, until=until, by=args.by, zones=zones, kept=kept)
    )
    if args.json:
        call.say(json.dumps(_as_json(args.by, since, until, rows), ensure_ascii=False, indent=2))
    elif args.csv:
        _write_csv(call, args.by, rows)
    else:
        _print(call, args.by, since, until, rows)
    return OK


def _catalogue(call: Call) -> Catalogue:
    """What runs there tells zones, titles and how long sums are kept; without it days are UTC's."""
    from policies.model import Catalogue, Settings
    from proxy.cli.places import running_catalogue

    try:
        return running_catalogue(call.args.state, call.clock.now())
    except Failure:
        return Catalogue(
            settings=Settings(), territories={}, origins={}, embed_hosts=(), policies={}, tests=(), fingerprint=""
        )


def _write_html(call: Call, catalogue: Catalogue, since: datetime, until: datetime) -> int:
    from proxy.operate.files import write_whole
    from proxy.report.facts import report_facts
    from proxy.report.files import report_zone
    from proxy.report.page import report_page

    args, now = call.args, call.clock.now()
    zone, language = report_zone(catalogue), args.language or call.language
    facts = read_state(args.state, lambda state: report_facts(state, catalogue, since, until, now, zone))
    if not args.html.absolute().parent.is_dir():
        raise Failure(f"{args.html}: there is no folder {args.html.parent}; make it, or name another")
    write_whole(args.html, report_page(facts, catalogue, language), mode=0o644)
    call.remark(call.words(f"Записано: {args.html}", f"Written: {args.html}"))
    return OK


def _totals(rows: Sequence[ReportRow]) -> tuple[ReportRow, ...]:
    """One row a currency."""
    from proxy.account.ledger import ReportRow
    from proxy.account.state import Sums

    found = []
    for currency in sorted({row.currency for row in rows}):
        of_it = [row for row in rows if row.currency == currency]
        found.append(
            ReportRow(
                group=("",) * len(of_it[0].group),
                currency=currency,
                sums=sum((row.sums for row in of_it), Sums()),
                cost=sum((row.cost for row in of_it), Decimal(0)),
                saved_bytes=sum(row.saved_bytes for row in of_it),
                saved_cost=sum((row.saved_cost for row in of_it), Decimal(0)),
            )
        )
    return tuple(found)


# -- for programs ----------------------------------------------------------------------------------------------


def _plain(by: Sequence[str], row: ReportRow) -> dict[str, Any]:
    return {
        **dict(zip(by, row.group, strict=True)),
        **asdict(row.sums),
        "currency": row.currency,
        "cost": str(row.cost),
        "saved_bytes": row.saved_bytes,
        "saved_cost": str(row.saved_cost),
        "saved_share": None if row.saved_share is None else round(row.saved_share, 4),
    }


def _without_internals(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if not name.endswith("_nano")}


def _as_json(by: Sequence[str], since: datetime, until: datetime, rows: Sequence[ReportRow]) -> Mapping[str, Any]:
    totals = [_without_internals(_plain((), _ungrouped(row))) for row in _totals(rows)]
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "by": list(by),
        "rows": [_without_internals(_plain(by, row)) for row in rows],
        "totals": totals,
    }


def _ungrouped(row: ReportRow) -> ReportRow:
    from dataclasses import replace

    return replace(row, group=())


def _write_csv(call: Call, by: Sequence[str], rows: Sequence[ReportRow]) -> None:
    lines = [_without_internals(_plain(by, row)) for row in rows]
    names = list(lines[0]) if lines else [*by, "exchanges", "bytes_to_learner", "saved_bytes", "cost", "saved_cost"]
    writer = csv.DictWriter(call.out, names)
    writer.writeheader()
    writer.writerows(lines)


# -- for people ------------------------------------------------------------------------------------------------

_HEADINGS: Mapping[str, Text] = {
    "region": Text(ru="регион", en="region"),
    "site": Text(ru="площадка", en="site"),
    "origin": Text(ru="источник", en="origin"),
    "class": Text(ru="класс", en="class"),
    "kind": Text(ru="вид", en="kind"),
    "hour": Text(ru="час (UTC)", en="hour (UTC)"),
    "day": Text(ru="день", en="day"),
    "week": Text(ru="неделя", en="week"),
}
_COLUMNS = (
    Text(ru="обменов", en="exchanges"),
    Text(ru="напрямую, МБ", en="directly, MB"),
    Text(ru="передано, МБ", en="delivered, MB"),
    Text(ru="сбережено, МБ", en="saved, MB"),
    Text(ru="%", en="%"),
    Text(ru="потрачено", en="spent"),
    Text(ru="сбережено", en="saved"),
)


def _print(call: Call, by: Sequence[str], since: datetime, until: datetime, rows: Sequence[ReportRow]) -> None:
    span = f"{since:%Y-%m-%d %H:%M} … {until:%Y-%m-%d %H:%M %Z}"
    if not rows:
        call.say(call.words(f"За это время обменов не было: {span}.", f"No exchanges in this time: {span}."))
        return
    call.say(span)
    headings = [_HEADINGS[name].in_language(call.language) for name in by]
    headings += [column.in_language(call.language) for column in _COLUMNS]
    lines = [headings, *(_cells(row, row.group) for row in rows)]
    name = call.words("всего", "total")
    lines += [_cells(row, (name, *row.group[1:])) for row in _totals(rows)]
    for line in table(lines, right=frozenset(range(len(by), len(headings)))):
        call.say(line)


def _cells(row: ReportRow, group: Sequence[str]) -> list[str]:
    share = "—" if row.saved_share is None else f"{row.saved_share * 100:.0f}"
    return [
        *group,
        str(row.sums.exchanges),
        _megabytes(row.sums.bytes_direct),
        _megabytes(row.sums.bytes_to_learner),
        _megabytes(row.saved_bytes),
        share,
        _money(row.cost, row.currency),
        _money(row.saved_cost, row.currency),
    ]


def _money(amount: Decimal, currency: str) -> str:
    return f"{round(amount, 2) + 0:.2f} {currency}"  # + 0: a rounded -0.00 becomes 0.00


def _megabytes(nbytes: int) -> str:
    return f"{nbytes / 1_000_000:.1f}" if abs(nbytes) >= 100_000 else f"{nbytes / 1_000_000:.3f}"


def _groupings(text: str) -> tuple[str, ...]:
    from policies.faults import Wrong, did_you_mean

    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in _GROUPINGS:
            raise Wrong(f"can't group by {name!r}", did_you_mean(name, _GROUPINGS))
    return names


COMMAND = Command(
    name="report",
    summary=Text(ru="сколько мегабайт и денег потрачено и сбережено", en="megabytes and money, spent and saved"),
    details=Text(
        ru="Времена без смещения — по часам этой машины. «Напрямую» — сколько прошло бы без Tropa.",
        en="Times without an offset are this machine's. “Directly” is what would have come without Tropa.",
    ),
    arguments=(
        Argument(
            names=("--since",),
            metavar="WHEN",
            default=_DEFAULT_SINCE,
            help=Text(
                ru="с какого времени: today, yesterday, 7d (по умолчанию), 2026-11-01",
                en="from when on: today, yesterday, 7d (the default), 2026-11-01",
            ),
        ),
        Argument(
            names=("--until",),
            metavar="WHEN",
            default="now",
            help=Text(
                ru="до какого времени, не включая (по умолчанию сейчас)", en="up to when, not included (default: now)"
            ),
        ),
        Argument(
            names=("--by",),
            metavar="WHAT",
            parse=_groupings,
            default=("region",),
            help=Text(
                ru="по чему: region (по умолчанию), site, origin, class, kind, hour, day, week; через запятую",
                en="by what: region (the default), site, origin, class, kind, hour, day, week; several with commas",
            ),
        ),
        Argument(
            names=("--html",),
            metavar="FILE",
            parse=Path,
            help=Text(ru="записать отчёт одной страницей", en="write the report as one page"),
        ),
        Argument(
            names=("--language",),
            metavar="LANGUAGE",
            choices=("ru", "en"),
            help=Text(ru="язык страницы: ru или en", en="the page's language: ru or en"),
        ),
        Argument(names=("--json",), flag=True, help=Text(ru="вывести JSON", en="print JSON")),
        Argument(names=("--csv",), flag=True, help=Text(ru="вывести CSV", en="print CSV")),
        state_option(),
    ),
    examples=(
        "tropa report --since yesterday",
        "tropa report --since 2026-11-01 --by region,class --csv",
        "tropa report --since 30d --by week",
        "tropa report --since 7d --html report.html --language ru",
    ),
    run=_run,
)
