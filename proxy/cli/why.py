"""`tropa why`: the whole decision behind the code that a teacher reads out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policies.values import Reason, Text
from proxy.cli.command import OK, Argument, Call, Command, Mistake, state_option
from proxy.cli.kept import read_state
from proxy.cli.table import table

_FIELDS = (
    ("at", Text(ru="когда", en="when")),
    ("url", Text(ru="адрес", en="address")),
    ("region", Text(ru="регион", en="region")),
    ("site", Text(ru="площадка", en="site")),
    ("origin", Text(ru="источник", en="origin")),
    ("class", Text(ru="класс", en="class")),
    ("verdict", Text(ru="решение", en="verdict")),
    ("opens_at", Text(ru="откроется", en="opens")),
    ("learner", Text(ru="слушатель", en="learner")),
    ("known_by", Text(ru="узнан по", en="known by")),
    ("detail", Text(ru="подробности", en="detail")),
)


def _run(call: Call) -> int:
    from proxy.account.codes import facts_of, normalise

    args, now = call.args, call.clock.now()
    code = normalise(args.code)
    if code is None:
        raise Mistake(f"{args.code!r} is no support code; one looks like K7Q-4M2")
    facts = read_state(args.state, lambda state: facts_of(state, code, now))
    if facts is None:
        raise Mistake(f"{code} is not known here; codes are kept for seven days")
    if args.json:
        call.say(json.dumps({"code": code, **facts}, ensure_ascii=False, indent=2))
        return OK
    call.say(code)
    for line in table(list(_rows(call, facts)), indent="  "):
        call.say(line)
    call.say()
    call.say(call.words("Почему", "Why"))
    for line in table(list(_reasons(call, facts)), indent="  "):
        call.say(line)
    logged = _in_log(args.state, code)
    if logged:
        call.say()
        call.say(call.words("В журнале", "In the log"))
    for line in logged:
        call.say(f"  {line}")
    return OK


def _rows(call: Call, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, name in _FIELDS:
        if facts.get(key):
            yield name.in_language(call.language), str(facts[key])


def _reasons(call: Call, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from policies.explain import sentence

    for rule, source, params in facts.get("reasons", ()):
        reason = Reason(rule=rule, source=source, params=tuple(params.items()))
        yield sentence(reason, call.language), source or "—"


def _in_log(state_dir: Path, code: str) -> list[str]:
    """The log's own lines with that code, newest file last; the log is kept as long as the code."""
    found = []
    for file in sorted((state_dir / "log").glob("*")):
        if file.is_file():
            with file.open(encoding="utf-8", errors="replace") as lines:
                found += [line.rstrip("\n") for line in lines if f'"support_code":"{code}"' in line]
    return found[-5:]


COMMAND = Command(
    name="why",
    summary=Text(
        ru="что стоит за кодом, который назвал учитель", en="what is behind the code that a teacher reads out"
    ),
    arguments=(
        Argument(
            names=("CODE",),
            help=Text(
                ru="код, как K7Q-4M2; похожие знаки понимаются", en="the code, as K7Q-4M2; look-alikes are understood"
            ),
        ),
        Argument(names=("--json",), flag=True, help=Text(ru="вывести JSON", en="print JSON")),
        state_option(),
    ),
    examples=("tropa why K7Q-4M2",),
    run=_run,
)
