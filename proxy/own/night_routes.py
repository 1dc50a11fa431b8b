"""The free hours under the reserved path.

    POST tonight    a sealed token      a request for the free hours: of a lighter version, else of the thing itself
    POST cancel     a sealed token      its end
    POST notify     a sealed token      an address that a letter goes to when something is ready
    GET  deferred                       her receipts
    GET  night                          what her place has by the morning, and what it still waits for

Laws: what changes something is a POST with a token sealed for this learner; the place's page holds nothing of one
learner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from urllib.parse import unquote

from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer, see_other
from proxy.own.dressing import Dresser
from proxy.own.media import MediaRoutes
from proxy.own.nightly import NightRequests
from proxy.own.refusals import own_page
from proxy.pages.media import deferred_page
from proxy.pages.night import night_page
from proxy.stages.context import Exchange
from proxy.stages.media_origin import is_same_site

_TOKEN_LIFE = timedelta(days=1)
_SAID = frozenset(("filed", "full", "only-you", "noted", "no-address"))


class NightRoutes:
    """Answers what `OwnRoutes` hands on."""

    def __init__(self, media: MediaRoutes, requests: NightRequests, dresser: Dresser) -> None:
        self._media = media
        self._requests = requests
        self._dresser = dresser

    async def tonight(self, exchange: Exchange, payload: Mapping[str, str]) -> Answer:
        """File a request; its receipt says when. What can be had without her is looked at by night alone."""
        url = payload["u"]
        if not is_same_site(exchange, url):
            return plain_answer(404, b"", "text/plain")
        if not self._requests.can_fetch(exchange, url):
            if self._media.has_lighter(exchange, payload):
                return await self._media.tonight(exchange, payload)
            return see_other("/.tropa/deferred?only-you")
        title = payload.get("t") or unquote(url.partition("?")[0].rstrip("/").rpartition("/")[2])
        filed = await self._requests.file(exchange, url, title)
        return see_other("/.tropa/deferred?filed" if filed else "/.tropa/deferred?full")

    async def cancel(self, exchange: Exchange, payload: Mapping[str, str]) -> Answer:
        """Give up a request; what is over stays as it is."""
        if "w" in payload:
            await self._requests.cancel(exchange, payload["w"])
            return see_other("/.tropa/deferred")
        return await self._media.cancel(exchange, payload["r"])

    async def notify(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        """Keep the address that she typed until her letter has gone."""
        kept = await self._requests.write_to(exchange, form.get("email", ""))
        return see_other("/.tropa/deferred?noted" if kept else "/.tropa/deferred?no-address")

    def deferred(self, exchange: Exchange, *, page_url: str) -> Answer:
        """Her receipts; what was told of as ready is seen now."""
        context = self._dresser.context(exchange, page_url=page_url)
        seal = partial(self._dresser.sealed, exchange)
        shown = (*self._media.requests(exchange, seal), *self._requests.of(exchange, seal))
        requests = tuple(sorted(shown, key=lambda one: one.asked_at, reverse=True))
        said = exchange.inbound.query if exchange.inbound.query in _SAID else ""
        notify = ""
        if self._requests.may_write(exchange) and any(one.token is not None for one in requests):
            notify = seal("notify", {}, exchange.now + _TOKEN_LIFE)
        self._requests.saw(exchange.who.learner, exchange.now)
        return own_page(200, deferred_page(requests, context, said=said, notify=notify))

    async def night(self, exchange: Exchange, *, page_url: str) -> Answer:
        """What her place has."""
        found = await self._requests.report(exchange)
        return own_page(200, night_page(found, self._dresser.context(exchange, page_url=page_url)))
