"""`tropa night`: what a school's box fetches in the free hours; what is here by the morning; a fetch for a test."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from policies.values import Text
from proxy.cli.command import BAD_INPUT, OK, Argument, Call, Command, Mistake, state_option
from proxy.cli.kept import read_state
from proxy.cli.places import running_catalogue, territory_of
from proxy.cli.spans import parse_instant, parse_span
from proxy.cli.table import table

if TYPE_CHECKING:
    from policies.model import Catalogue, Territory
    from proxy.account.state import State
    from proxy.night.report import PlaceReport
    from proxy.night.used import Use
    from scheduler.night import NightSpan, Planned

_LONGEST_RUN = timedelta(hours=2)


def _run(call: Call) -> int:
    from policies.night import IDLE_TEXTS, idle_because

    args, now = call.args, call.clock.now()
    catalogue = running_catalogue(args.state, now)
    if args.action == "report":
        return _report(call, catalogue, now)
    if args.region is None:
        raise Mistake(f"say where: tropa night {args.action} --region REGION --site SITE")
    territory = territory_of(catalogue, args.region, args.site)
    idle = idle_because(territory, catalogue.settings)
    if idle is not None:
        call.say(IDLE_TEXTS[idle].in_language(call.language))
        return BAD_INPUT
    return _plan(call, territory, now) if args.action == "plan" else _begin(call, territory, now)


# -- report ------------------------------------------------------------------------------------------------------------


def _report(call: Call, catalogue: Catalogue, now: datetime) -> int:
    from policies.night import IDLE_TEXTS, idle_because
    from proxy.night.report import report

    args = call.args
    places = [one for one in catalogue.territories.values() if idle_because(one, catalogue.settings) is None]
    if args.region is not None:
        places = [territory_of(catalogue, args.region, args.site)]

    async def look(state: State) -> list[PlaceReport]:
        return [await report(state, territory, catalogue.settings, now) for territory in places]

    found = read_state(args.state, look)
    if args.json:
        call.say(json.dumps([_plain(one) for one in found], ensure_ascii=False, indent=2))
        return OK
    if not found:
        call.say(call.words("Здесь ничего не загружают ночью.", "Nothing is fetched at night here."))
    for one in found:
        call.say(f"{one.place}: {one.title.in_language(call.language)}")
        if one.idle is not None:
            call.say(f"  {IDLE_TEXTS[one.idle].in_language(call.language)}")
        _say_report(call, one)
        _say_use(call, one.use)
    return OK


def _say_use(call: Call, use: Use) -> None:
    """Whether the megabytes were well spent."""
    from policies.words import size

    if not use.files:
        return
    of = call.words("из", "of")
    told = call.words("из того, что здесь, открывали", "of what is here were opened")
    opened = f"{use.opened_files} {of} {use.files}, {size(use.opened_bytes)} {of} {size(use.bytes)}"
    call.say(f"  {told}: {opened}")
    if use.films:
        films = call.words("из них лекций и записей", "lectures and recordings among them")
        call.say(f"  {films}: {use.opened_films} {of} {use.films}")


def _say_report(call: Call, one: PlaceReport) -> None:
    from policies.words import size

    say = call.words
    call.say(f"  {say('уже здесь', 'here now')}: {len(one.here)}, {size(one.here_bytes)}")
    for line in one.here:
        call.say(f"    {line.title or line.what}{say(' (открывали)', ' (opened)') if line.opened else ''}")
    call.say(f"  {say('ещё нет', 'still missing')}: {len(one.missing)}")
    rows = [(line.title or line.what, line.state, line.reason, _of(line.held_bytes)) for line in one.missing]
    for text in table(rows, indent="    "):
        call.say(text)
    if one.asked:
        asked = ", ".join(f"{state} {count}" for state, count in one.asked.items())
        call.say(f"  {say('просьбы слушателей', 'asked for by learners')}: {asked}")
    call.say(f"  {say('за последнюю ночь', 'in the last night')}: {size(one.spent_bytes)}")
    if one.trouble:
        call.say(f"  {say('курсы не удалось посмотреть', 'the courses could not be looked at')}: {one.trouble}")
    if one.lacks:
        call.say(f"  {say('учётной записи не даны', 'the account may not call')}: {', '.join(one.lacks)}")


def _of(nbytes: int) -> str:
    from policies.words import size

    return size(nbytes) if nbytes else ""


def _plain(one: PlaceReport) -> dict[str, Any]:
    told = {**asdict(one), "title": asdict(one.title), "idle": one.idle}
    for name in ("open_until", "opens_at"):
        told[name] = None if told[name] is None else told[name].isoformat()
    return told


# -- plan --------------------------------------------------------------------------------------------------------------


def _plan(call: Call, territory: Territory, now: datetime) -> int:
    from scheduler.night import next_night, night_at

    at = now if call.args.at is None else parse_instant(call.args.at, territory.zone)
    free, zone = territory.tariff.free, territory.tariff.zone
    night = night_at(free, zone, at)
    opens = at if night is not None else next_night(free, at)
    night = night or (night_at(free, zone, opens) if opens is not None else None)
    if night is None or opens is None:
        call.say(call.words("Бесплатных часов в ближайшее время нет.", "No free hours are in sight."))
        return OK
    planned = read_state(call.args.state, lambda state: _planned(state, territory, night, opens))
    if call.args.json:
        call.say(json.dumps([_plain_item(item, title) for item, title in planned], ensure_ascii=False, indent=2))
        return OK
    opens_local, closes_local = (one.astimezone(territory.zone) for one in (night.opens, night.closes))
    call.say(f"{opens_local:%Y-%m-%d %H:%M} - {closes_local:%Y-%m-%d %H:%M} ({territory.zone})")
    rows = [_row(call, item, title, territory) for item, title in planned]
    for text in table(rows, indent="  "):
        call.say(text)
    _say_sum(call, territory, [item for item, _ in planned])
    return OK


async def _planned(state: State, territory: Territory, night: NightSpan, at: datetime) -> list[tuple[Planned, str]]:
    """The plan as the running box would make it, with titles; learners' own are not named."""
    from proxy.night.hours import place_of, saved_spent
    from proxy.night.wishes import saved
    from scheduler.night import NightLimits, plan, rate_of

    place = place_of(territory)
    wishes = {one.id: one for one in await saved(state) if one.place == place and one.is_open}
    spent = (await saved_spent(state, at)).get((place, night.key))
    settings = territory.night
    rate = rate_of(territory.tariff.free, at, link_bps=territory.link.down_bps, share=settings.rate_share)
    limits = NightLimits(rate_bps=rate, limit_bytes=settings.limit_bytes, often_bytes=settings.often_bytes)
    found = plan(
        [one.as_wish() for one in wishes.values()],
        night,
        limits,
        at,
        spent_bytes=spent.bytes if spent else 0,
        spent_often_bytes=spent.often_bytes if spent else 0,
    )
    return [(item, "" if wishes[item.wish.key].owner else wishes[item.wish.key].title) for item in found]


def _row(call: Call, item: Planned, title: str, territory: Territory) -> tuple[str, ...]:
    from policies.words import size

    starts = item.starts.astimezone(territory.zone).strftime("%H:%M") if item.starts is not None else ""
    known = size(item.wish.size_bytes) if item.wish.size_bytes is not None else "?"
    asked = call.words("просьба слушателя", "asked for by a learner")
    return starts, title or asked, known, size(item.bytes) if item.is_due else "", item.later or ""


def _plain_item(item: Planned, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "why": item.wish.why.name.lower(),
        "size_bytes": item.wish.size_bytes,
        "bytes": item.bytes,
        "starts": item.starts.isoformat() if item.starts else None,
        "ends": item.ends.isoformat() if item.ends else None,
        "later": item.later,
    }


def _say_sum(call: Call, territory: Territory, planned: list[Planned]) -> None:
    """How much, until when, and what the same would cost by day."""
    from policies.words import size

    nbytes = sum(item.bytes for item in planned)
    ends = max((item.ends for item in planned if item.ends is not None), default=None)
    until = f", {call.words('до', 'until')} {ends.astimezone(territory.zone):%H:%M}" if ends is not None else ""
    tariff = territory.tariff
    by_day = Decimal(nbytes) / 1_000_000 * tariff.price_per_mb * Decimal(str(tariff.overhead_factor))
    cost = call.words("бесплатно; днём это стоило бы", "free of charge; by day it would cost")
    call.say(f"{size(nbytes)}{until}, {cost} {by_day:.2f} {tariff.currency}")


# -- a test ------------------------------------------------------------------------------------------------------------


def _begin(call: Call, territory: Territory, now: datetime) -> int:
    from policies.units import parse_bytes
    from policies.words import size
    from proxy.night.hours import place_of
    from proxy.operate.night_run import NightRun, set_run

    args = call.args
    if not args.now:
        raise Mistake("this fetches outside the free hours, and costs what the tariff says; add --now if you mean it")
    span = args.span or timedelta(minutes=10)
    if span > _LONGEST_RUN:
        raise Mistake("a test lasts two hours at most")
    limit = parse_bytes(args.limit)
    run = NightRun(place=place_of(territory), opens=now, closes=now + span, limit_bytes=limit)
    set_run(args.state, run)
    until = run.closes.astimezone(territory.zone)
    call.say(
        call.words(
            f"{run.place}: загружаем до {until:%H:%M}, не больше {size(limit)}.",
            f"{run.place}: fetching until {until:%H:%M}, at most {size(limit)}.",
        )
    )
    return OK


COMMAND = Command(
    name="night",
    summary=Text(ru="загрузка в бесплатные часы: что есть, что будет, проба", en="fetching in the free hours"),
    details=Text(
        ru="report — что уже здесь и чего ещё нет; plan — что будет загружено; run — загрузить сейчас, для пробы.",
        en="report: what is here and what is missing; plan: what would be fetched; run: fetch now, for a test.",
    ),
    arguments=(
        Argument(
            names=("ACTION",),
            dest="action",
            choices=("report", "plan", "run"),
            help=Text(ru="что сделать", en="what to do"),
        ),
        Argument(
            names=("--region",),
            metavar="ID",
            help=Text(
                ru="какой регион (или регион/площадка; без него: все)", en="the region, or region/site (else: all)"
            ),
        ),
        Argument(names=("--site",), metavar="ID", help=Text(ru="площадка в нём", en="a site within it")),
        Argument(
            names=("--at",),
            metavar="ISO-8601",
            help=Text(ru="plan: на какое время, как 2026-11-23T21:30", en="plan: for which time, as 2026-11-23T21:30"),
        ),
        Argument(
            names=("--now",),
            flag=True,
            help=Text(ru="run: сейчас, по цене тарифа", en="run: now, at the tariff's price"),
        ),
        Argument(
            names=("--for",),
            dest="span",
            parse=parse_span,
            metavar="SPAN",
            help=Text(ru="run: как долго (иначе 10m, самое большее 2h)", en="run: for how long (else 10m; 2h at most)"),
        ),
        Argument(
            names=("--limit",),
            metavar="SIZE",
            default="20 MB",
            help=Text(
                ru="run: не больше стольких мегабайтов (иначе 20MB)", en="run: so many megabytes at most (else 20MB)"
            ),
        ),
        Argument(names=("--json",), flag=True, help=Text(ru="для программ", en="for programs")),
        state_option(),
    ),
    examples=(
        "tropa night report",
        "tropa night plan --region koryak --site tigil-school",
        "tropa night run --region koryak --site tigil-school --now --for 5m",
    ),
    run=_run,
)
