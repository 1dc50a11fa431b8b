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
    """Decides for a film's own address, or a form's, while something of ours about it is asked for."""

    def __init__(self, runtime: Callable[[], Runtime], accountant: Accountant) -> None:
        self._runtime = runtime
        self._accountant = accountant

    def decision(self, exchange: Exchange, url: str, kind: MediaKind) -> Decision:
        """As if this learner had opened that address of the same site; what she took as original doesn't count."""
        path, _, query = url.split("/", 3)[3].partition("#")[0].partition("?")
        return self._decided(exchange, "GET", f"/{path}", query, kind=kind, direction=Direction.DOWN)

    def upload(self, exchange: Exchange, target: str) -> Decision:
        """As if this learner sent a form to that path of the same site."""
        path, _, query = target.partition("?")
        return self._decided(exchange, "POST", path, query, kind=None, direction=Direction.UP)

    def _decided(
        self, exchange: Exchange, method: str, path: str, query: str, *, kind: MediaKind | None, direction: Direction
    ) -> Decision:
        who = exchange.who
        facts = replace(
            exchange.facts,
            method=method,
            path=path,
            query=query,
            kind=kind,
            audience=Audience.PAGE,
            direction=direction,
            upload_bytes=None,
            wants_original=False,
        )
        usage = self._accountant.usage(who.territory, who.learner, exchange.now)
        return self._runtime().decider.decide(facts, usage, exchange.now)
