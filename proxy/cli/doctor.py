"""`tropa doctor`: what would keep Tropa from working well here, and what to do about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from policies.values import Text
from proxy.cli.command import FAILED, OK, Call, Command, regions_option, state_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxy.cli.checks.finding import Finding, Subject


def _run(call: Call) -> int:
    from policies.faults import PolicyFaults
    from policies.load import read_catalogue
    from proxy.cli.checks.finding import Level, Subject

    args = call.args
    try:
        catalogue = read_catalogue(args.regions)
    except PolicyFaults as faults:
        call.say(f"fail  policy: {args.regions}: {call.words('ошибок', 'faults')}: {len(faults.faults)}")
        call.say(f"      → tropa check {args.regions}")
        return FAILED
    subject = Subject(regions_file=args.regions, state_dir=args.state, catalogue=catalogue, clock=call.clock)
    seen: Counter[Level] = Counter()
    for check in checks():
        for finding in check(subject):
            seen[finding.level] += 1
            _print(call, finding)
    call.say(
        call.words(
            f"Порядок: {seen[Level.OK]}, предупреждения: {seen[Level.WARN]}, неисправности: {seen[Level.FAIL]}",
            f"{seen[Level.OK]} ok, {seen[Level.WARN]} warnings, {seen[Level.FAIL]} failures",
        )
    )
    return FAILED if seen[Level.FAIL] else OK


def checks() -> tuple[Callable[[Subject], Iterable[Finding]], ...]:
    """Everything that is looked at, in its order."""
    from proxy.cli.checks.addresses import addresses
    from proxy.cli.checks.links import links
    from proxy.cli.checks.machine import disk, ffmpeg, packages, pictures
    from proxy.cli.checks.policy import policy
    from proxy.cli.checks.ports import metrics_port, ports
    from proxy.cli.checks.scripts import scripts
    from proxy.cli.checks.services import services
    from proxy.cli.checks.upstreams import upstreams

    reached = (upstreams, services, scripts, links)
    return (policy, ports, metrics_port, addresses, *reached, disk, pictures, ffmpeg, packages)


def _print(call: Call, finding: Finding) -> None:
    call.say(f"{finding.level.value:<5} {finding.about}: {finding.what.in_language(call.language)}")
    if cure := finding.cure.in_language(call.language):
        call.say(f"      → {cure}")


COMMAND = Command(
    name="doctor",
    summary=Text(ru="проверить машину, сеть и настройки", en="examine the machine, the network and the configuration"),
    details=Text(
        ru="Порты, источники, их сертификаты и учётные записи, часы, адреса слушателей, ffmpeg, диск, политика.\n"
        "Код выхода 1, если что-то неисправно.",
        en="Ports, origins, their certificates and accounts, clocks, learners' addresses, ffmpeg, disk, policy.\n"
        "Exit code 1 if something fails.",
    ),
    arguments=(regions_option(), state_option()),
    examples=("tropa doctor --regions /etc/tropa/regions.yaml --state /var/lib/tropa",),
    run=_run,
)
