"""WebSockets through the pipeline: gated like a page, carried by the relay, closed softly at their window's end."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from policies.decision import Decision
from proxy.account.account import Accountant
from proxy.clock import Clock
from proxy.errors import bad_request
from proxy.heads import decision_field
from proxy.live.relay import WINDOW_CLOSED, is_socket, open_socket, refuse_socket, relay_socket
from proxy.own.dressing import Dresser
from proxy.pages import close_reason
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
        if not is_socket(exchange.inbound):
            raise bad_request("websocket-handshake")
        inbound = exchange.inbound
        return await open_socket(self._upstream, inbound, exchange.catalogue.settings, via=self._via)

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
        if origin is None or not origin.preset.socket_close or not is_socket(exchange.inbound):
            return None
        reason = close_reason(self._dresser.context(exchange))
        return await refuse_socket(exchange.inbound.request, WINDOW_CLOSED, reason)

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
