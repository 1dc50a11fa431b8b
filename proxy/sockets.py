"""WebSockets through the pipeline: gated like a page, carried by the relay, closed softly at their window's end."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from policies.decision import Decision, Verdict
from proxy.account.account import Accountant
from proxy.clock import Clock
from proxy.deliver.send import Sent
from proxy.heads import decision_field
from proxy.live.relay import WINDOW_CLOSED, open_socket, refuse_socket, relay_socket
from proxy.obtain import names_of
from proxy.own.dressing import Dresser
from proxy.pages import close_reason
from proxy.receipts import receipt_of
from proxy.stages.context import Exchange
from proxy.terms import ExchangeTerms, Redecide
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream


class Sockets:
    """Carries WebSockets to their end. `open` counts those that run."""

    def __init__(self, *, upstream: Upstream, accountant: Accountant, dresser: Dresser, clock: Clock, via: str) -> None:
        self._upstream = upstream
        self._accountant = accountant
        self._dresser = dresser
        self._clock = clock
        self._via = via
        self.open = 0

    async def opened(self, exchange: Exchange) -> UpstreamResponse:
        """The origin's answer to the handshake. Raises ExchangeError."""
        inbound = exchange.inbound
        names = names_of(inbound)
        prepare = names.request if names is not None else None
        return await open_socket(self._upstream, inbound, exchange.catalogue.settings, via=self._via, prepare=prepare)

    async def carry(
        self, exchange: Exchange, response: UpstreamResponse, redecide: Callable[[Exchange], Redecide]
    ) -> web.StreamResponse:
        """After the origin's 101: bytes both ways until somebody or the policy ends it."""
        decision = exchange.decision
        rule = exchange.who.territory.policy.classes.get(decision.traffic_class)
        self.open += 1
        terms = ExchangeTerms(
            who=exchange.who,
            decision=decision,
            meter=self._accountant.begin(decision, exchange.who),
            redecide=redecide(exchange),
            grace_s=rule.close_grace_s if rule is not None else 0,
            started=exchange.now,
            host=exchange.inbound.host,
            url=exchange.inbound.url,
            status=101,
            ended=self._one_less,
        )
        relayed = await relay_socket(
            exchange.inbound.request,
            response,
            terms=terms,
            clock=self._clock,
            idle_s=exchange.catalogue.settings.timeouts.tunnel_idle_s,
            via=self._via,
            closing=lambda why: (WINDOW_CLOSED, self._reason(exchange, redecide)),
            extra=self._fields(exchange, decision),
        )
        return relayed.response

    async def refuse(self, exchange: Exchange) -> web.StreamResponse | None:
        """101 and a Close at once, where the origin's preset asks for that form; None: refuse by status."""
        origin = exchange.inbound.origin
        if origin is None or not origin.preset.socket_close:
            return None
        tally, decision = exchange.tally, exchange.decision
        tally.treatment = "deferred" if decision.verdict is Verdict.DEFER else "refused"
        tally.direct_bytes = 0
        reason = close_reason(self._dresser.context(exchange))
        started_s = self._clock.steady_s()
        response = await refuse_socket(exchange.inbound.request, WINDOW_CLOSED, reason)
        sent = Sent(response=response, to_learner_bytes=0, complete=True)
        meter = self._accountant.begin(decision, exchange.who)
        meter.finish(receipt_of(exchange, sent, self._clock.steady_s() - started_s))
        return response

    def _one_less(self) -> None:
        self.open -= 1

    def _reason(self, exchange: Exchange, redecide: Callable[[Exchange], Redecide]) -> str:
        now = self._clock.now()
        return close_reason(self._dresser.context(exchange, decision=redecide(exchange)(now), now=now))

    @staticmethod
    def _fields(exchange: Exchange, decision: Decision) -> tuple[tuple[str, str], ...]:
        if not exchange.catalogue.settings.decision_header:
            return ()
        return (("Tropa-Decision", decision_field(decision, "pass", "")),)
