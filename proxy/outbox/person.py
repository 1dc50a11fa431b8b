"""Who a learner is to the origin, as its own pages say it: so that a message finds its writer again after a new login.

Laws of this file: only pages that are kept for this very session are read, none is asked for; only one that names one
person and no other is believed, since what people write stands on pages too; what is kept of it is a keyed hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from policies.model import OutboxForm
from proxy.account.secret import Keyed
from proxy.cache.origin_cache import OriginCache
from proxy.deliver.codings import DECODABLE
from proxy.deliver.validators import Conditions
from proxy.errors import ExchangeError
from proxy.keeping import keeps_for_her
from proxy.obtain import NO_WISH, Obtainer
from proxy.opened import OpenedPages
from proxy.outbox.reading import named_on
from proxy.stages.context import Exchange
from proxy.stages.decoding import OriginDecoder
from proxy.upstream.reply import OriginReply, Whose

_NO_CONDITIONS = Conditions(None, None)
_LARGEST_PAGE_BYTES = 4 << 20
_READ_S = 5.0
_MOST_PAGES = 5


class Persons:
    """Reads a learner's own kept pages."""

    def __init__(self, obtainer: Obtainer, cache: OriginCache, opened: OpenedPages, keyed: Keyed) -> None:
        self._obtainer = obtainer
        self._cache = cache
        self._opened = opened
        self._keyed = keyed

    async def of(self, exchange: Exchange, rules: Iterable[OutboxForm], first: str = "") -> str:
        """A hash of who she is there; "": none of her pages says it. first: a page of hers to look at before others."""
        origin, told = exchange.inbound.origin, [rule for rule in rules if rule.person]
        if origin is None or not told or not keeps_for_her(exchange):
            return ""
        opened = [page.target for page in await self._opened.of(exchange.who.learner, origin.id)]
        for target in dict.fromkeys([first, *opened][: _MOST_PAGES + 1]):
            page = await self._page(exchange, target) if target else ""
            for rule in told:
                if person := named_on(page, rule):
                    return self._keyed.learner("person", origin.id, person)
        return ""

    async def _page(self, exchange: Exchange, target: str) -> str:
        """Her own page as it is kept; "" where it isn't."""
        asked = self._obtainer.asked(exchange, _NO_CONDITIONS, NO_WISH)
        asked = replace(asked, method="GET", target=target, body=None, content_length=None, expect_continue=None)
        reply = await self._cache.kept(asked, exchange.now)
        if reply is None:
            return ""
        try:
            return await _text(reply) if reply.way.whose is Whose.OWN else ""
        except ExchangeError:
            return ""
        finally:
            reply.abort()


async def _text(reply: OriginReply) -> str:
    coding = reply.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", *DECODABLE):
        return ""
    body = await reply.read_up_to(_LARGEST_PAGE_BYTES, _READ_S)
    if coding in DECODABLE:
        body = OriginDecoder(coding, max_bytes=_LARGEST_PAGE_BYTES).feed(body)
    return body.decode("utf-8", "replace")
