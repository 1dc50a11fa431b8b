"""A learner as IT staff can name her: by login, by her id, by a support code that she read out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from policies.values import Text
from proxy.cli.command import Argument, Call, Failure, Mistake
from proxy.cli.kept import read_state

if TYPE_CHECKING:
    from proxy.account.state import State

_ID = re.compile(r"[0-9a-f]{20}")


def who_options() -> tuple[Argument, ...]:
    """--login, --learner, --code: exactly one of them names her."""
    return (
        Argument(
            names=("--login",),
            metavar="NAME",
            help=Text(
                ru="логин, как его передаёт доверенный прокси (trusted_headers.learner)",
                en="the login as the trusted front tells it (trusted_headers.learner)",
            ),
        ),
        Argument(
            names=("--learner",),
            metavar="ID",
            help=Text(
                ru="обозначение слушателя: 20 знаков, как в журнале", en="the learner's id: 20 signs, as in the log"
            ),
        ),
        Argument(
            names=("--code",),
            metavar="CODE",
            help=Text(ru="код для справки с её страницы: K7Q-4M2", en="the support code on her page: K7Q-4M2"),
        ),
    )


def learner_named(call: Call) -> str | None:
    """The id of whom the options name; None: they name nobody. Raises Mistake, Failure."""
    args = call.args
    given = [value for value in (args.login, args.learner, args.code) if value is not None]
    if len(given) > 1:
        raise Mistake("--login, --learner and --code each name a learner; give one of them")
    if args.login is not None:
        return _of_login(args.state, args.login)
    if args.code is not None:
        return _of_code(call, args.code)
    if args.learner is not None and not _ID.fullmatch(args.learner):
        raise Mistake(f"{args.learner!r} is no learner's id; one is 20 signs 0-9 and a-f, as in the log")
    return str(args.learner) if args.learner is not None else None


def _of_login(state_dir: Path, login: str) -> str:
    from proxy.account.secret import Keyed, installation_secret

    if not (state_dir / "secret").exists():  # a new one would name nobody
        raise Failure(f"{state_dir}/secret: no such file; has tropa serve run with --state {state_dir}?")
    return Keyed(installation_secret(state_dir)).learner("header", login)


def _of_code(call: Call, heard: str) -> str:
    from proxy.account.codes import facts_of

    now = call.clock.now()

    async def look(state: State) -> object:
        facts = await facts_of(state, heard, now)
        return None if facts is None else facts.get("learner")

    learner = read_state(call.args.state, look)
    if not isinstance(learner, str) or not learner:
        raise Mistake(f"{heard} is not known here; codes are kept for seven days")
    return learner
