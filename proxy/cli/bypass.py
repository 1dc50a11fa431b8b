"""`tropa bypass`: everything of an origin passes untouched, until it is switched off again or the time is up."""

from __future__ import annotations

from policies.values import Text
from proxy.cli.command import OK, Argument, Call, Command, Mistake, state_option
from proxy.cli.places import running_catalogue
from proxy.cli.spans import parse_span, told

_ALL = "*"


def _run(call: Call) -> int:
    from proxy.operate.switches import active_bypass

    args, now = call.args, call.clock.now()
    if args.action == "list":
        bypasses = active_bypass(args.state, now)
        for bypass in bypasses:
            left = "" if bypass.until is None else f", {told(bypass.until - now)}"
            call.say(f"{bypass.origin}: {call.words('Tropa выключена', 'bypassed')}{left}")
        if not bypasses:
            call.say(call.words("Tropa включена для всех источников.", "No origin is bypassed."))
        return OK
    if args.origin is None:
        raise Mistake(f'say which origin: tropa bypass {args.action} ORIGIN, or "*" for all')
    return _on(call) if args.action == "on" else _off(call)


def _on(call: Call) -> int:
    from policies.faults import did_you_mean
    from proxy.operate.switches import Bypass, set_bypass

    args, now = call.args, call.clock.now()
    origins = running_catalogue(args.state, now).origins
    if args.origin != _ALL and args.origin not in origins:
        raise Mistake(
            f"there is no origin {args.origin!r}; {did_you_mean(args.origin, origins) or 'the file has none'}"
        )
    until = None if args.span is None else now + args.span
    how_long = call.words("пока не выключите", "until you switch it off") if args.span is None else told(args.span)
    for origin in sorted(origins) if args.origin == _ALL else [args.origin]:
        set_bypass(args.state, Bypass(origin=origin, until=until), now)
        call.say(
            call.words(
                f"{origin}: Tropa пропускает всё без изменений ({how_long}).",
                f"{origin}: Tropa passes everything untouched ({how_long}).",
            )
        )
    return OK


def _off(call: Call) -> int:
    from proxy.operate.switches import active_bypass, clear_bypass

    args, now = call.args, call.clock.now()
    origins = [bypass.origin for bypass in active_bypass(args.state, now)] if args.origin == _ALL else [args.origin]
    for origin in origins:
        if not clear_bypass(args.state, origin, now):
            raise Mistake(f"{origin} is not bypassed; tropa bypass list shows what is")
        call.say(call.words(f"{origin}: политика снова действует.", f"{origin}: its policy is in force again."))
    return OK


COMMAND = Command(
    name="bypass",
    summary=Text(ru="временно выключить Tropa для источника", en="switch Tropa off for an origin, and on again"),
    details=Text(
        ru="on — пропускать всё без изменений; off — снова по политике. В силе в течение двух секунд.",
        en="on: everything passes untouched; off: by policy again. In force within two seconds.",
    ),
    arguments=(
        Argument(
            names=("ACTION",), choices=("on", "off", "list"), help=Text(ru="on, off или list", en="on, off or list")
        ),
        Argument(
            names=("ORIGIN",),
            many="?",
            help=Text(ru='источник из файла настроек, "*" — все', en='an origin of the configuration, "*" for all'),
        ),
        Argument(
            names=("--for",),
            dest="span",
            metavar="SPAN",
            parse=parse_span,
            help=Text(ru="на сколько: 2h (иначе до bypass off)", en="how long: 2h (else until bypass off)"),
        ),
        state_option(),
    ),
    examples=("tropa bypass on course --for 2h", "tropa bypass off course"),
    run=_run,
)
