"""What policy says of another address than the one asked for, for the same learner at the same instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from policies.decision import Decision
from policies.values import Audience, Direction, MediaKind
from proxy.account.account import Accountant
from proxy.runtime import Runtime
from proxy.stages.context import Exchange


class Elsewhere:
    """Decides for a film's own address while a page of ours about it is asked for."""

    def __init__(self, runtime: Callable[[], Runtime], accountant: Accountant) -> None:
        self._runtime = runtime
        self._accountant = accountant

    def decision(self, exchange: Exchange, url: str, kind: MediaKind) -> Decision:
        """As if this learner had opened that address of the same site; what she took as original doesn't count."""
        path, _, query = url.split("/", 3)[3].partition("#")[0].partition("?")
        facts = replace(
            exchange.facts,
            method="GET",
            path=f"/{path}",
            query=query,
            kind=kind,
            audience=Audience.PAGE,
            direction=Direction.DOWN,
            upload_bytes=None,
            wants_original=False,
        )
        who = exchange.who
        usage = self._accountant.usage(who.territory, who.learner, exchange.now)
        return self._runtime().decider.decide(facts, usage, exchange.now)
