"""`tropa learner`: everything that is kept of one learner, as JSON; and forgetting her."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.values import Text
from proxy.cli.command import FAILED, OK, Argument, Call, Command, Mistake, patience_option, state_option
from proxy.cli.kept import write_state
from proxy.cli.learners import learner_named, who_options

if TYPE_CHECKING:
    from proxy.account.personal import PersonalData
    from proxy.account.state import State
    from proxy.clock import Clock

_PATIENCE_S = 15.0  # a running process looks every second; rewriting a full log takes some more
_EXPORT_LIFE = timedelta(minutes=1)
_ERASE_LIFE = timedelta(days=30)  # all else of a learner has ended by then
_LOG = frozenset({"log"})


def _run(call: Call) -> int:
    learner = learner_named(call)
    if learner is None:
        raise Mistake("say who: --login NAME, --learner ID, or --code K7Q-4M2")
    return _export(call, learner) if call.args.action == "export" else _erase(call, learner)


def _export(call: Call, learner: str) -> int:
    from proxy.account.errands import EXPORT, ask, withdraw
    from proxy.account.log_of_one import lines_of

    args, now, patience_s = call.args, call.clock.now(), call.args.patience

    async def exporting(state: State) -> tuple[bool, Mapping[str, Any]]:
        wish = {"but": sorted(_LOG)}
        answer = await ask(state, EXPORT, learner, wish, now=now, life=_EXPORT_LIFE, patience_s=patience_s)
        if answer is not None and "export" in answer:
            return True, answer["export"]
        await withdraw(state, EXPORT, learner)
        return False, await _in_files(state, args.state, call.clock).export(learner, but=_LOG)

    running, held = write_state(args.state, exporting)
    lines = lines_of(args.state / "log", learner)
    whole = {"learner": learner, "at": now.isoformat(), **held, **({"log": {"exchanges": lines}} if lines else {})}
    text = json.dumps(whole, ensure_ascii=False, indent=2)
    if args.out is None:
        call.say(text)
    else:
        args.out.write_text(text + "\n", encoding="utf-8")
        args.out.chmod(0o600)
        call.remark(call.words(f"Записано: {args.out}", f"Written: {args.out}"))
    if not running:
        call.remark(
            call.words(
                "Tropa здесь не отвечает: показано то, что лежит в файлах.",
                "Tropa doesn't answer here: this is what lies in files.",
            )
        )
    return OK


def _erase(call: Call, learner: str) -> int:
    from proxy.account.errands import ERASE, ask

    args, now, patience_s = call.args, call.clock.now(), call.args.patience

    async def erasing(state: State) -> tuple[bool, Mapping[str, int], list[str]]:
        answer = await ask(state, ERASE, learner, {}, now=now, life=_ERASE_LIFE, patience_s=patience_s)
        if answer is not None and "counts" in answer:
            return True, answer["counts"], list(answer["failed"])
        erased = await _in_files(state, args.state, call.clock).erase(learner)
        # The wish stays for the next start: only the process reaches its own stores.
        await ask(state, ERASE, learner, {}, now=now, life=_ERASE_LIFE, patience_s=0)
        return False, erased.counts, list(erased.failed)

    running, counts, failed = write_state(args.state, erasing)
    for name, count in counts.items():
        call.say(f"{name}: {count}")
    if not counts:
        call.say(call.words("Ничего не хранится.", "Nothing is kept."))
    if not running:
        call.remark(
            call.words(
                "Tropa здесь не отвечает: стёрто то, что лежит в файлах; остальное она сотрёт при запуске.",
                "Tropa doesn't answer here: what lies in files is gone; the rest goes when it starts.",
            )
        )
    if failed:
        call.remark(call.words(f"Не получилось, повторите: {', '.join(failed)}", f"Failed: {', '.join(failed)}"))
    return FAILED if failed else OK


def _in_files(state: State, state_dir: Path, clock: Clock) -> PersonalData:
    """What can be told and forgotten without the process: State and the log."""
    from proxy.account.log_of_one import lines_of, take_out
    from proxy.account.owned import Owned, SupportCodes, Uses
    from proxy.account.personal import Holding, PersonalData
    from proxy.account.seals import Seals
    from proxy.account.secret import Keyed, installation_secret
    from proxy.stages.noted import readable

    folder = state_dir / "log"

    async def export(learner: str) -> Mapping[str, Any]:
        lines = lines_of(folder, learner)
        return {"exchanges": lines} if lines else {}

    async def erase(learner: str) -> int:
        return take_out(folder, learner)

    async def nothing_waits() -> None:
        return None

    log = Holding("log", export, erase)
    uses = Uses("allowances", state, None, clock, running=False)
    kept = Owned(state, clock)
    if (state_dir / "secret").exists():  # without it what is sealed is told as it lies there
        kept = Owned(state, clock, partial(readable, Seals(Keyed(installation_secret(state_dir)))))
    return PersonalData((uses, SupportCodes(state, clock), log, kept), nothing_waits)


COMMAND = Command(
    name="learner",
    summary=Text(
        ru="что хранится об одном слушателе: выгрузить или стереть",
        en="what is kept of one learner: export it or erase it",
    ),
    details=Text(
        ru="export — всё как JSON; erase — стереть везде, и в работающей Tropa. Суммы без имён остаются. "
        "Данные других не затрагиваются.",
        en="export: all of it as JSON; erase: everywhere, in a running Tropa too. Sums that name nobody stay. "
        "Nobody else's data is touched.",
    ),
    arguments=(
        Argument(
            names=("ACTION",), choices=("export", "erase"), help=Text(ru="export или erase", en="export or erase")
        ),
        *who_options(),
        Argument(
            names=("--out",),
            metavar="FILE",
            parse=Path,
            help=Text(ru="записать выгрузку в файл", en="write the export to a file"),
        ),
        patience_option(_PATIENCE_S),
        state_option(),
    ),
    examples=(
        "tropa learner export --login ivanova --out ivanova.json",
        "tropa learner erase --code K7Q-4M2",
    ),
    run=_run,
)
