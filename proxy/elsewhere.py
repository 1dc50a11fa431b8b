"""What policy says of another address than the one asked for, for the same learner at the same instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from policies.decision import Decision
from policies.facts import RequestFacts
from policies.values import Audience, Direction, MediaKind
from proxy.account.account import Accountant
from proxy.runtime import Runtime
from proxy.stages.context import Exchange


class Elsewhere:
    """Decides for a film's own address, or a form's, while something of ours about it is asked for."""

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
        return self._decided(exchange, facts)

    def upload(self, exchange: Exchange, target: str) -> Decision:
        """As if this learner sent a form to that path of the same site."""
        path, _, query = target.partition("?")
        facts = replace(
            exchange.facts,
            method="POST",
            path=path,
            query=query,
            kind=None,
            audience=Audience.PAGE,
            direction=Direction.UP,
            upload_bytes=None,
            wants_original=False,
        )
        return self._decided(exchange, facts)

    def _decided(self, exchange: Exchange, facts: RequestFacts) -> Decision:
        who = exchange.who
        usage = self._accountant.usage(who.territory, who.learner, exchange.now)
        return self._runtime().decider.decide(facts, usage, exchange.now)
