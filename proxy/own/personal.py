"""`/.tropa/mine`: what is kept about the learner herself, to read, to take away, to have forgotten.

Laws: only for whom Tropa tells apart from others: what is kept under a school's or an address's name is many
people's; taking and forgetting are POSTs with a sealed token; her running allowance counts on, else forgetting would
fill it again, and the page says so.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from proxy.account.owned import ALLOWANCE_NOW
from proxy.account.personal import PersonalData
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.own.dressing import Dresser
from proxy.own.refusals import own_page
from proxy.pages.context import PageContext
from proxy.pages.mine import forgotten_page, mine_page
from proxy.stages.context import Exchange

_TELLS_LEARNERS_APART = frozenset({"header", "login", "session", "cookie"})
_TOKEN_LIFE = timedelta(hours=1)
_KEPT = frozenset({ALLOWANCE_NOW})


class PersonalRoutes:
    """One for the process: exports and erasures come one after the other, for they read the whole log."""

    def __init__(self, data: PersonalData, dresser: Dresser) -> None:
        self._data = data
        self._dresser = dresser
        self._turn = asyncio.Lock()

    def page(self, exchange: Exchange) -> Answer:
        """What is kept, in words, with the two buttons where they can be hers alone."""
        tokens = {}
        if _is_herself(exchange):
            until = exchange.now + _TOKEN_LIFE
            tokens = {what: self._dresser.sealed(exchange, what, {}, until) for what in ("mine", "forget")}
        log_days = exchange.catalogue.settings.limits.log_days
        return own_page(200, mine_page(self._context(exchange), tokens=tokens, log_days=log_days))

    async def export(self, exchange: Exchange) -> Answer:
        """All of it, as JSON to save."""
        if not _is_herself(exchange):
            return self.page(exchange)
        async with self._turn:
            held = await self._data.export(exchange.who.learner)
        told = {"learner": exchange.who.learner, "at": exchange.now.isoformat(), **held}
        body = json.dumps(told, ensure_ascii=False, indent=2).encode("utf-8", "replace")
        return plain_answer(200, body, "application/json", Content_Disposition='attachment; filename="tropa-data.json"')

    async def forget(self, exchange: Exchange) -> Answer:
        """All of it goes but the counter of the running allowance."""
        if not _is_herself(exchange):
            return self.page(exchange)
        async with self._turn:
            erased = await self._data.erase(exchange.who.learner, but=_KEPT)
        return own_page(200, forgotten_page(self._context(exchange), whole=not erased.failed))

    def _context(self, exchange: Exchange) -> PageContext:
        return self._dresser.context(exchange, page_url="")


def _is_herself(exchange: Exchange) -> bool:
    return exchange.who.learner_by in _TELLS_LEARNERS_APART
