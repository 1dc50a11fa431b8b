"""`tropa explain`: what would happen to a URL, and which line says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policies.values import MediaKind, Mode, Text
from proxy.cli.command import OK, REGIONS_FILE, Argument, Call, Command, Mistake, place_options
from proxy.cli.kept import read_state
from proxy.cli.on_device import on_device
from proxy.cli.places import running_catalogue, territory_of
from proxy.cli.table import table

if TYPE_CHECKING:
    from policies.explain import Explanation
    from policies.model import Catalogue, Territory


_HOST = re.compile(r"\[[0-9a-f:.]+\]|localhost\b|[^\s/?#]+\.[^\s/?#]+", re.IGNORECASE)
_ADDRESS = "write it like https://lms.example.org/course/view.php?id=3"


def _run(call: Call) -> int:
    from policies.explain import explain_request
    from policies.facts import NO_USAGE, Hints
    from policies.money import used_of
    from proxy.cli.spans import parse_instant

    args = call.args
    if "://" not in args.url and not _HOST.match(args.url):
        raise Mistake(f"not an address: {args.url}; {_ADDRESS}")
    catalogue = _catalogue(call)
    place = territory_of(catalogue, args.region, args.site)
    at = call.clock.now() if args.at is None else parse_instant(args.at, place.zone)
    try:
        explained = explain_request(
            catalogue,
            args.url,
            region=place.region,
            site=place.site,
            mode=args.mode,
            at=at,
            usage=NO_USAGE if args.used is None else used_of(place.tariff, args.used, at),
            hints=Hints(save_data=args.save_data),
            kind=None if args.kind is None else MediaKind(args.kind),
            language=call.language,
        )
    except ValueError as error:
        raise Mistake(f"{error}; {_ADDRESS}") from None
    if args.json:
        call.say(json.dumps(explained.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(call, catalogue, place, explained)
    return OK


def _catalogue(call: Call) -> Catalogue:
    from policies.load import read_catalogue

    if call.args.state is not None:
        if call.args.regions is not None:
            raise Mistake("--regions and --state say two things; give one of them")
        return running_catalogue(call.args.state, call.clock.now())
    return read_catalogue(call.args.regions or REGIONS_FILE)


# -- for people ------------------------------------------------------------------------------------------------


def _print(call: Call, catalogue: Catalogue, place: Territory, explained: Explanation) -> None:
    say, words, decision = call.say, call.words, explained.decision
    title = place.title.in_language(call.language)
    name = place.region if place.site is None else f"{place.region}/{place.site}"
    say(explained.url)
    say(f"  {words('где', 'where')}: {name} ({title}), {words('политика', 'policy')} {place.policy.name}")
    say(f"  {words('когда', 'when')}: {_moment(explained.at, explained)}, {explained.mode.value}")
    say(
        f"  {words('что', 'what')}: {decision.traffic_class.value}{_kind(explained)}, "
        f"{_origin(call, catalogue, decision.origin)}"
    )
    say()
    say(f"{decision.verdict.value.upper()}{_remarks(call, explained)}")
    for line in _instants(call, explained):
        say(f"  {line}")
    if _is_refused(catalogue, explained):
        say(
            words(
                "  но в режиме reverse такого узла здесь нет (ответ 421): допишите его в hosts источника или спросите "
                "с --mode forward",
                "  but in reverse mode no such host is served here (421): add it to an origin's hosts, or ask with "
                "--mode forward",
            )
        )
    say()
    say(words("Почему", "Why"))
    for line in table([(r.text, r.source or "—") for r in explained.reasons], indent="  "):
        say(line)
    if not explained.reasons:
        say(f"  {words('Политика этого не касается.', 'No rule of the policy touches it.')}")
    if explained.mode is not Mode.TUNNEL:  # what is in a tunnel can't be treated
        say()
        say(words("Что станет с содержимым", "What becomes of the content"))
        for line in table(list(_treatments(call, explained)), indent="  "):
            say(line)
    if (device := on_device(call, catalogue, explained, _seen(call))) is not None:
        say()
        say(f"{words('На устройстве слушателя', 'On the device of the learner')}: {device}")
    if explained.not_enforceable:
        say()
        say(words("В этом режиме неосуществимо", "Not enforceable in this mode"))
        for line in table(list(explained.not_enforceable), indent="  "):
            say(line)


def _seen(call: Call) -> Mapping[str, frozenset[str]]:
    """What the running Tropa has seen in its origins' pages; nothing without `--state`."""
    from proxy.account.sqlite import FILE_NAME
    from proxy.own.own_workers import seen

    folder = call.args.state
    if folder is None or not (folder / FILE_NAME).exists():
        return {}
    return read_state(folder, lambda state: seen(state, call.clock.now()))


def _treatments(call: Call, explained: Explanation) -> Iterator[tuple[str, str]]:
    from policies.words_ru import treatment_in_russian

    for kind, told in explained.treatments.items():
        yield kind, treatment_in_russian(told) if call.language == "ru" else told


def _is_refused(catalogue: Catalogue, explained: Explanation) -> bool:
    """A host of no origin, where no listener stands for one whatever the host."""
    listeners = [listener for listener in catalogue.settings.listeners if listener.mode == "reverse"]
    serves_any = any(listener.origin is not None for listener in listeners)
    return explained.mode is Mode.REVERSE and not explained.decision.origin and bool(listeners) and not serves_any


def _kind(explained: Explanation) -> str:
    return "" if explained.kind is None else f" ({explained.kind.value})"


def _origin(call: Call, catalogue: Catalogue, origin: str) -> str:
    if not origin:
        return call.words("узел вне списка источников", "a host of no configured origin")
    title = catalogue.origins[origin].title.in_language(call.language)
    return f"{call.words('источник', 'origin')} {origin}" + (f" ({title})" if title else "")


def _remarks(call: Call, explained: Explanation) -> str:
    decision, words = explained.decision, call.words
    notes = (
        (decision.bypassed, words("Tropa для источника выключена: проходит всё", "bypassed: everything passes")),
        (decision.observe, words("только наблюдение: ничего не меняется", "observe: nothing is changed")),
        (
            decision.stored_only,
            words("что уже лежит на этой стороне, открывается", "what is stored on this side opens"),
        ),
        (decision.exempt, words("контрольное задание: не ограничивается", "assessment: never cut")),
        (decision.required_for_credit, words("нужно для зачёта", "required for credit")),
        (decision.player_must_stay, words("зачёт ставит сам плеер", "its own player counts it as done")),
        (decision.free_now, words("связь сейчас бесплатна", "the link is free now")),
    )
    told = "; ".join(note for on, note in notes if on)
    return f"  ({told})" if told else ""


def _instants(call: Call, explained: Explanation) -> list[str]:
    decision, words = explained.decision, call.words
    known = (
        (words("откроется", "opens"), decision.opens_at),
        (words("закроется", "closes"), decision.closes_at),
        (words("решение верно до", "this holds until"), decision.valid_until),
    )
    return [f"{name}: {_moment(moment, explained)}" for name, moment in known if moment is not None]


def _moment(moment: datetime, explained: Explanation) -> str:
    """In the place's own time, seconds only where there are some."""
    from policies.explain import instant

    return instant(moment.astimezone(explained.at.tzinfo).isoformat(timespec="seconds"))


def _used(text: str) -> int:
    """Whole hundredths, from 0 to 100, of "85%"."""
    from policies.faults import Wrong

    digits = text.strip().removesuffix("%").strip()
    if not digits.isdecimal() or int(digits) > 100:
        raise Wrong(f"expected a part like 85%, got {text!r}", "write a number from 0 to 100 and %")
    return int(digits)


COMMAND = Command(
    name="explain",
    summary=Text(
        ru="что произойдёт с адресом в регионе в такой-то час, и почему",
        en="what would happen to a URL in a region at an hour, and why",
    ),
    details=Text(
        ru="Решает тем же кодом, что и работающая Tropa. Без --at — сейчас; время без смещения — местное.",
        en="Decides by the same code as a running Tropa. Without --at: now; a time without offset is the place's own.",
    ),
    arguments=(
        Argument(names=("URL",), help=Text(ru="адрес", en="the address")),
        *place_options(),
        Argument(
            names=("--mode",),
            metavar="MODE",
            choices=tuple(mode.value for mode in Mode),
            default=Mode.REVERSE.value,
            help=Text(
                ru="как запрос попадает в Tropa: reverse (по умолчанию), forward или tunnel (HTTPS через прокси)",
                en="how it reaches Tropa: reverse (the default), forward, or tunnel (HTTPS through the proxy)",
            ),
        ),
        Argument(
            names=("--at",),
            metavar="ISO-8601",
            help=Text(ru="момент, как 2026-11-23T21:30", en="the instant, as 2026-11-23T21:30"),
        ),
        Argument(
            names=("--kind",),
            metavar="KIND",
            choices=tuple(kind.value for kind in MediaKind),
            help=Text(
                ru="вид содержимого, если адрес его не выдаёт: video, image …",
                en="what the answer is, where the address doesn't tell: video, image …",
            ),
        ),
        Argument(
            names=("--save-data",),
            flag=True,
            help=Text(ru="браузер просит экономить (Save-Data)", en="the browser sends Save-Data"),
        ),
        Argument(
            names=("--used",),
            metavar="PART",
            parse=_used,
            help=Text(
                ru="как если бы эта часть каждого лимита была израсходована: 85%",
                en="as if that part of each allowance were used: 85%",
            ),
        ),
        Argument(names=("--json",), flag=True, help=Text(ru="вывести JSON", en="print JSON")),
        Argument(
            names=("--regions",),
            metavar="FILE",
            parse=Path,
            help=Text(ru="файл настроек (по умолчанию regions.yaml)", en="the configuration (default: regions.yaml)"),
        ),
        Argument(
            names=("--state",),
            metavar="DIR",
            parse=Path,
            help=Text(
                ru="вместо файла — то, что опубликовано и действует в этой папке состояния",
                en="instead of a file, what is published and in force in this state folder",
            ),
        ),
    ),
    examples=(
        'tropa explain "http://course.localhost/mod/chat/view.php?id=201" --region koryak --at 2026-11-23T20:00',
        "tropa explain http://course.localhost/lecture.mp4 --region koryak --used 85%",
        "tropa explain https://course.localhost/ --region koryak --mode tunnel --json",
    ),
    run=_run,
)
