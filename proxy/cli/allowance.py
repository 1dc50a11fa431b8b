"""`tropa allowance`: what is left of the allowances of a place or a learner, and corrections."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from policies.values import Scope, Text
from proxy.cli.command import FAILED, OK, Argument, Call, Command, Failure, Mistake, patience_option, state_option
from proxy.cli.kept import read_state, write_state
from proxy.cli.learners import learner_named, who_options
from proxy.cli.places import running_catalogue, territory_of
from proxy.cli.table import table

if TYPE_CHECKING:
    from policies.model import Territory
    from proxy.account.balances import Balance
    from proxy.account.state import State

_PATIENCE_S = 10.0
_LIFE = timedelta(days=1)
_TOP = 10


def _run(call: Call) -> int:
    args = call.args
    place = territory_of(running_catalogue(args.state, call.clock.now()), args.place, None)
    if not place.tariff.allowances:
        raise Mistake(f"{args.place} has no allowance; tariff.allowance in regions.yaml gives it one")
    return _show(call, place) if args.action == "show" else _correct(call, place)


# -- show ------------------------------------------------------------------------------------------------------


def _show(call: Call, place: Territory) -> int:
    from proxy.account.balances import balances

    learner, now = learner_named(call), call.clock.now()
    lines = read_state(call.args.state, lambda state: balances(state, place, learner, now, most=_TOP))
    if call.args.json:
        call.say(json.dumps([_plain(line) for line in lines], ensure_ascii=False, indent=2))
        return OK
    _print(call, lines, learner)
    return OK


def _plain(line: Balance) -> Mapping[str, Any]:
    return {
        "scope": line.scope.value,
        "holder": line.holder,
        "period": line.period.value,
        "used_bytes": line.used_bytes,
        "amount_bytes": line.amount_bytes,
        "left_bytes": line.left_bytes,
        "renews_at": line.renews_at.isoformat(),
    }


def _print(call: Call, lines: Sequence[Balance], learner: str | None) -> None:
    from policies.words import size

    words = call.words
    headings = [words("чей", "whose"), words("кто", "holder"), words("период", "per"), words("потрачено", "used")]
    headings += ["%", words("осталось", "left"), words("обновится", "renews")]
    rows = [headings]
    for line in lines:
        share = f"{line.used_bytes * 100 / line.amount_bytes:.0f}"
        renews = f"{line.renews_at:%Y-%m-%d %H:%M}"
        amounts = [size(line.used_bytes), share, size(line.left_bytes)]
        rows.append([line.scope.value, line.holder, line.period.value, *amounts, renews])
    for text in table(rows, right=frozenset({3, 4, 5})):
        call.say(text)
    if learner is None and any(line.scope is Scope.LEARNER for line in lines):
        call.remark(
            words(f"Слушатели: не больше {_TOP}, потратившие больше всех.", f"Learners: the {_TOP} that used most.")
        )


# -- correct ---------------------------------------------------------------------------------------------------


def _correct(call: Call, place: Territory) -> int:
    from policies.words import size
    from proxy.account.errands import CORRECTION, ask

    args, now = call.args, call.clock.now()
    if (args.add is None) == (args.subtract is None):
        raise Mistake("say by how much: --add 120MB counts more as used, --subtract 50MB less")
    nbytes = args.add if args.add is not None else -args.subtract
    scope, holder = _holder(call, place)

    async def correcting(state: State) -> Mapping[str, Any] | None:
        facts = {"scope": scope.value, "bytes": nbytes}
        return await ask(state, CORRECTION, holder, facts, now=now, life=_LIFE, patience_s=args.patience)

    answer = write_state(args.state, correcting)
    if answer is None:
        call.remark(
            call.words(
                "Tropa здесь не отвечает: поправка будет учтена при её запуске, если он будет в течение суток.",
                "Tropa doesn't answer here: the correction is taken when it starts, if that is within a day.",
            )
        )
        return OK
    if not answer.get("done"):
        raise Failure(f"{args.place} has no allowance of scope {scope.value} in the running policy")
    told = size(abs(nbytes))
    call.say(
        call.words(
            f"{holder}: учтено на {told} {'больше' if nbytes > 0 else 'меньше'}.",
            f"{holder}: {told} {'more' if nbytes > 0 else 'less'} counted as used.",
        )
    )
    return OK if "failed" not in answer else FAILED


def _holder(call: Call, place: Territory) -> tuple[Scope, str]:
    """Scope and holder as corrections name them: "region", "region/site", "region:learner"."""
    learner, name = learner_named(call), place.region if place.site is None else f"{place.region}/{place.site}"
    known = {allowance.scope for allowance in place.tariff.allowances}
    wanted = Scope.LEARNER if learner is not None else call.args.scope and Scope(call.args.scope)
    if wanted is None:
        others = known - {Scope.LEARNER}
        if len(others) != 1:
            raise Mistake("say whose: --scope site, --scope region, or a learner by --login, --learner or --code")
        (wanted,) = others
    if wanted not in known:
        raise Mistake(f"{name} has no allowance of scope {wanted.value}; it has {', '.join(sorted(known))}")
    if wanted is Scope.LEARNER:
        if learner is None:
            raise Mistake("say which learner: --login NAME, --learner ID, or --code K7Q-4M2")
        return wanted, f"{name}:{learner}"
    if wanted is Scope.SITE and place.site is None:
        raise Mistake(f"say which site: {place.region}/SITE")
    return wanted, name if wanted is Scope.SITE else place.region


def _size(text: str) -> int:
    from policies.units import parse_bytes

    return parse_bytes(text)


COMMAND = Command(
    name="allowance",
    summary=Text(
        ru="сколько осталось от лимитов, и поправки к ним", en="what is left of the allowances, and corrections"
    ),
    details=Text(
        ru="show — потрачено и осталось в текущих периодах; correct — учесть то, что видит оператор, а Tropa нет. "
        "Работающая Tropa учтёт поправку в течение двух секунд.",
        en="show: used and left in the running periods; correct: count what the operator sees and Tropa doesn't. "
        "A running Tropa takes it within two seconds.",
    ),
    arguments=(
        Argument(
            names=("ACTION",), choices=("show", "correct"), help=Text(ru="show или correct", en="show or correct")
        ),
        Argument(names=("PLACE",), help=Text(ru="регион или регион/площадка", en="a region or region/site")),
        Argument(
            names=("--scope",),
            metavar="SCOPE",
            choices=("learner", "site", "region"),
            help=Text(ru="чей лимит поправить: site или region", en="whose allowance to correct: site or region"),
        ),
        *who_options(),
        Argument(
            names=("--add",),
            metavar="SIZE",
            parse=_size,
            help=Text(ru="считать потраченным на столько больше: 120MB", en="count so much more as used: 120MB"),
        ),
        Argument(
            names=("--subtract",),
            metavar="SIZE",
            parse=_size,
            help=Text(ru="… или на столько меньше", en="… or so much less"),
        ),
        patience_option(_PATIENCE_S),
        Argument(names=("--json",), flag=True, help=Text(ru="вывести JSON", en="print JSON")),
        state_option(),
    ),
    examples=(
        "tropa allowance show koryak",
        "tropa allowance correct koryak/tigil-school --scope site --add 120MB",
        "tropa allowance correct koryak --code K7Q-4M2 --subtract 20MB",
    ),
    run=_run,
)
