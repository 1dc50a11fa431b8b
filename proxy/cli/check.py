"""`tropa check`: everything that is wrong with a configuration, and what its tests prove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from policies.values import Text
from proxy.cli.command import BAD_INPUT, OK, Argument, Call, Command, regions_file

if TYPE_CHECKING:
    from policies.faults import Fault
    from policies.model import Catalogue


def _run(call: Call) -> int:
    from policies.faults import PolicyFaults
    from policies.load import read_catalogue_with_warnings

    path: Path = call.args.file
    try:
        catalogue, warnings = read_catalogue_with_warnings(path)
    except PolicyFaults as faults:
        for fault in faults.faults:
            call.say(fault.told(call.language))
        return BAD_INPUT
    for warning in warnings:
        call.remark(f"{warning.told(call.language)} ({call.words('предупреждение', 'a warning')})")
    failed = () if call.args.no_tests else failed_tests(catalogue, path)
    for fault in failed:
        call.say(fault.told(call.language))
    if failed:
        return BAD_INPUT
    for line in _idle_nights(call, catalogue):
        call.say(line)
    call.say(_summary(call, catalogue, path))
    return OK


def _idle_nights(call: Call, catalogue: Catalogue) -> list[str]:
    """Places whose `night:` does nothing on this installation, and why."""
    from policies.night import IDLE_TEXTS, idle_nights

    found = []
    for territory, idle in idle_nights(catalogue):
        place = "/".join(part for part in (territory.region, territory.site) if part)
        found.append(f"{territory.night.source}: {place}: night: {IDLE_TEXTS[idle].in_language(call.language)}")
    return found


def failed_tests(catalogue: Catalogue, path: Path) -> tuple[Fault, ...]:
    """The file's own tests that don't hold, as faults of the line that expects otherwise."""
    from policies.faults import Fault
    from policies.policy_tests import run_policy_tests

    found = []
    for failed in run_policy_tests(catalogue):
        name, _, line = failed.source.rpartition(":")
        problem = f"{failed.url}: {failed.what}: expected {failed.expected}, got {failed.got}"
        key = (
            f"{failed.key}.{failed.what}" if failed.what in ("region", "url") else f"{failed.key}.expect.{failed.what}"
        )
        cure = "tropa explain shows why; mend the policy or the test"
        file = str(path if name == path.name else path.parent / name)
        found.append(Fault(file=file, line=int(line or 0), column=failed.column, key=key, problem=problem, cure=cure))
    return tuple(found)


def _summary(call: Call, catalogue: Catalogue, path: Path) -> str:
    regions = sum(site is None for _, site in catalogue.territories)
    sites, origins = len(catalogue.territories) - regions, len(catalogue.origins)
    tests = 0 if call.args.no_tests else len(catalogue.tests)
    return call.words(
        f"{path}: ошибок нет; регионов {regions}, площадок {sites}, источников {origins}, пройдено проверок {tests}",
        f"{path}: no faults; regions: {regions}, sites: {sites}, origins: {origins}, tests passed: {tests}",
    )


COMMAND = Command(
    name="check",
    summary=Text(
        ru="проверить файл настроек и его собственные проверки", en="check the configuration and run its own tests"
    ),
    details=Text(
        ru="Каждая ошибка — строка вида ФАЙЛ:СТРОКА:СТОЛБЕЦ: ключ: что не так; как исправить. Код выхода 0 или 2.",
        en="Each fault is a line FILE:LINE:COL: key: what is wrong; cure. Exit code 0, or 2. Warnings go to stderr.",
    ),
    arguments=(
        regions_file(),
        Argument(
            names=("--no-tests",),
            flag=True,
            help=Text(ru="не выполнять проверки из файла", en="leave the file's own tests out"),
        ),
    ),
    examples=("tropa check regions.yaml",),
    run=_run,
)
