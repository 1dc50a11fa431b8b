"""The button "show the original": granted for a while, asked once more where it costs more than is left.

Law: `routes` opens the token first, so the address is one that Tropa itself has offered to this learner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from policies.kinds import kind_of_path
from policies.values import MediaKind
from proxy.account.account import Accountant
from proxy.cache.sizes import SizeBook
from proxy.deliver.answer import Answer
from proxy.deliver.send import see_other
from proxy.own.dressing import Dresser
from proxy.own.originals import Originals
from proxy.own.refusals import own_page
from proxy.pages import original_confirm
from proxy.pages.versions import PLAYBACK_PATH
from proxy.stages.context import Exchange
from proxy.transforms.spec import Heavy


class OriginalRoutes:
    """Answers what `OwnRoutes` hands on."""

    def __init__(self, originals: Originals, dresser: Dresser, accountant: Accountant, sizes: SizeBook) -> None:
        self._originals = originals
        self._dresser = dresser
        self._accountant = accountant
        self._sizes = sizes

    async def original(self, exchange: Exchange, payload: Mapping[str, str], *, confirmed: bool) -> Answer:
        """Grant it and lead her there. confirmed: she was told what it costs, where that is more than is left."""
        if not confirmed and self._exceeds(exchange, payload["u"]):
            return own_page(200, self._confirmation(exchange, payload["u"], payload.get("p", "")))
        await self._originals.grant(exchange.who.learner, payload["u"], exchange.now)
        # A recording's own page is what she asked for; anything else she took stands in the page that she came from.
        page_url = "" if PLAYBACK_PATH in payload["u"] else payload.get("p", "")
        return see_other(page_url or payload["u"])

    async def forget(self, learner: str) -> None:
        """Her grants end."""
        await self._originals.forget(learner)

    def _exceeds(self, exchange: Exchange, url: str) -> bool:
        """Whether what is left of an allowance is less than this costs: then she is asked once more."""
        size_bytes = self._sizes.size_of(url)
        used = self._accountant.usage(exchange.who.territory, exchange.who.learner, exchange.now).allowances
        return size_bytes is not None and any(use.amount_bytes - use.used_bytes < size_bytes for use in used)

    def _confirmation(self, exchange: Exchange, url: str, page_url: str) -> bytes:
        used = self._accountant.usage(exchange.who.territory, exchange.who.learner, exchange.now).allowances
        tightest = min(used, key=lambda use: use.amount_bytes - use.used_bytes)
        path = url.partition("?")[0]
        heavy = Heavy(
            url=url,
            kind=kind_of_path(path) or MediaKind.OTHER,
            title=unquote(path.rpartition("/")[2]),
            size_bytes=self._sizes.size_of(url),
        )
        context = replace(self._dresser.context(exchange), page_url=page_url or url)
        return original_confirm(heavy, context, allowance=tightest)
