"""`tropa override`: another policy for a place, for a while; it ends by itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policies.values import Text
from proxy.cli.command import OK, Argument, Call, Command, Mistake, state_option
from proxy.cli.places import running_catalogue, territory_of
from proxy.cli.spans import parse_span, told

if TYPE_CHECKING:
    from proxy.operate.switches import Override


def _run(call: Call) -> int:
    args = call.args
    if args.list:
        return _list(call)
    if args.region is None:
        raise Mistake("say which region: tropa override --region ID …, or --list to see what is in force")
    return _clear(call) if args.clear else _set(call)


def _list(call: Call) -> int:
    from proxy.operate.switches import active_overrides

    now = call.clock.now()
    overrides = active_overrides(call.args.state, now)
    for override in overrides:
        note = f" ({override.note})" if override.note else ""
        call.say(
            f"{_place(override.region, override.site)}: {override.policy}, {_end(call, override.until, now)}{note}"
        )
    if not overrides:
        call.say(call.words("Временных политик нет.", "No override is in force."))
    return OK


def _set(call: Call) -> int:
    from proxy.operate.switches import Override, set_override

    args, now = call.args, call.clock.now()
    if args.policy is None:
        raise Mistake("say which policy: --policy NAME, or --clear to end an override")
    if args.span is None:
        raise Mistake("say for how long: --for 48h; an override ends by itself")
    place = territory_of(running_catalogue(args.state, now), args.region, args.site)
    override = Override(region=place.region, site=place.site, policy=args.policy, until=now + args.span, note=args.note)
    _prove(args.state, override, now)
    set_override(args.state, override, now)
    call.say(f"{_place(place.region, place.site)}: {args.policy}, {_end(call, override.until, now)}")
    return OK


def _prove(state_dir: Path, override: Override, now: datetime) -> None:
    """Compile the running version with it: what can't run is never put in force. Raises Mistake, PolicyFaults."""
    from policies.faults import did_you_mean
    from policies.load import Override as Wanted
    from policies.load import read_catalogue
    from proxy.cli.places import need_published
    from proxy.operate.history import current_dir

    policies = running_catalogue(state_dir, now).policies
    if override.policy not in policies:
        raise Mistake(f"there is no policy {override.policy!r}; {did_you_mean(override.policy, policies)}")
    folder = need_published(state_dir, current_dir(state_dir))
    assert override.until is not None
    wanted = Wanted(region=override.region, site=override.site, policy=override.policy, until=override.until)
    read_catalogue(folder / "regions.yaml", overrides=[wanted])


def _clear(call: Call) -> int:
    from proxy.operate.switches import clear_override

    region, _, site = call.args.region.partition("/")
    place = (region, call.args.site or site or None)
    if not clear_override(call.args.state, *place, call.clock.now()):
        raise Mistake(f"no override is in force for {_place(*place)}; tropa override --list shows them")
    call.say(call.words(f"{_place(*place)}: снова своя политика.", f"{_place(*place)}: its own policy again."))
    return OK


def _place(region: str, site: str | None) -> str:
    return region if site is None else f"{region}/{site}"


def _end(call: Call, until: datetime | None, now: datetime) -> str:
    if until is None:
        return call.words("до отмены", "until it is cleared")
    local = f"{until.astimezone():%Y-%m-%d %H:%M %Z}"
    return call.words(f"до {local} (ещё {told(until - now)})", f"until {local} ({told(until - now)} left)")


COMMAND = Command(
    name="override",
    summary=Text(ru="на время дать месту другую политику", en="give a place another policy for a while"),
    details=Text(
        ru="Кончается сама. Действует в течение двух секунд.", en="Ends by itself. In force within two seconds."
    ),
    arguments=(
        Argument(
            names=("--region",),
            metavar="ID",
            help=Text(ru="регион (или регион/площадка)", en="the region (or region/site)"),
        ),
        Argument(names=("--site",), metavar="ID", help=Text(ru="только эта площадка", en="only this site")),
        Argument(names=("--policy",), metavar="NAME", help=Text(ru="политика", en="the policy")),
        Argument(
            names=("--for",),
            dest="span",
            metavar="SPAN",
            parse=parse_span,
            help=Text(ru="на сколько: 48h, 2h30m, 7d", en="how long: 48h, 2h30m, 7d"),
        ),
        Argument(names=("--note",), metavar="TEXT", default="", help=Text(ru="пометка: зачем", en="a note: why")),
        Argument(names=("--clear",), flag=True, help=Text(ru="закончить сейчас", en="end it now")),
        Argument(names=("--list",), flag=True, help=Text(ru="показать, что действует", en="show what is in force")),
        state_option(),
    ),
    examples=(
        'tropa override --region koryak --policy text-first --for 48h --note "satellite outage"',
        "tropa override --region koryak --clear",
    ),
    run=_run,
)
