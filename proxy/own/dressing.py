"""What the pages side is told of an exchange: context, tokens, and what a rewritten page wears.

Laws: a token is made only for what policy allows now; nothing here decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from policies.decision import Decision
from policies.facts import NO_USAGE, AllowanceUse, Usage
from policies.model import Territory
from policies.rules.situate import tightest
from policies.values import Mode, Place, Store
from proxy.account.tokens import Tokens
from proxy.exchange import Inbound, Who
from proxy.own.nightly import NightRequests
from proxy.own.offers import MediaOffers
from proxy.own.savings import LearnerSavings
from proxy.pages import (
    RESERVED,
    PageContext,
    Savings,
    card,
    head_link,
    light_copies,
    other_versions,
    page_bar,
    size_text,
)
from proxy.stages.context import Exchange
from proxy.stages.page import Dressing
from proxy.transforms.spec import Heavy, PictureFilm

TOKEN_LIFETIME = timedelta(hours=24)


class Dresser:
    """Fills page contexts; built once. offers None: no lighter versions can be had. usage: what is left for whom.

    nights  None: nothing is fetched in the free hours
    left    how many messages a learner left under another login
    """

    def __init__(
        self,
        tokens: Tokens,
        savings: LearnerSavings,
        offers: MediaOffers | None = None,
        usage: Callable[[Territory, str, datetime], Usage] = lambda territory, learner, now: NO_USAGE,
        nights: NightRequests | None = None,
        left: Callable[[str], int] = lambda learner: 0,
    ) -> None:
        self._tokens = tokens
        self._savings = savings
        self._offers = offers
        self._usage = usage
        self._nights = nights
        self._left = left

    def savings(self, exchange: Exchange) -> Savings:
        """What this learner was spared."""
        return self._savings.savings(exchange.who.learner, exchange.who.territory, exchange.now)

    def token_makers(
        self, inbound: Inbound, who: Who, now: datetime, *, page_url: str
    ) -> dict[str, Callable[[str], str]]:
        """action -> maker of a token for a URL, bound to this learner for a day."""
        page = page_url or inbound.url
        make = partial(self._token, page_url=page, learner=who.learner, expires=now + TOKEN_LIFETIME)
        actions = ["original", "place", "language", *(["report"] if page_url else [])]
        if self._offers is not None:
            actions.append("tonight")
        return {action: partial(make, action) for action in actions}

    def _token(self, action: str, url: str, *, page_url: str, learner: str, expires: datetime) -> str:
        payload = {"u": url or page_url}
        if url and url != page_url:
            payload["p"] = page_url
        return self._tokens.seal(action, payload, learner=learner, expires=expires)

    def sealed(self, exchange: Exchange, purpose: str, payload: Mapping[str, str], until: datetime) -> str:
        """A token for this learner."""
        return self._tokens.seal(purpose, payload, learner=exchange.who.learner, expires=until)

    def context(
        self,
        exchange: Exchange,
        *,
        support_code: str | None = None,
        charset: str = "utf-8",
        decision: Decision | None = None,
        now: datetime | None = None,
        page_url: str | None = None,
    ) -> PageContext:
        """What a page or card of this exchange is told.

        decision, now  where it was decided again later
        page_url       of the page it is about; None: the one asked for; "": none, and then none can be reported
        """
        inbound, who = exchange.inbound, exchange.who
        decision = decision if decision is not None else exchange.decision
        page_url = inbound.url if page_url is None else page_url
        tokens = self.token_makers(inbound, who, exchange.now, page_url=page_url)
        if decision.original_max_bytes == 0:
            del tokens["original"]
        if exchange.catalogue.settings.place is not Place.SCHOOL:
            tokens.pop("tonight", None)  # what is fetched by night must come to lie on her side of the dear hop
        nights = self._nights if exchange.catalogue.settings.place is Place.SCHOOL else None
        return PageContext(
            keeps=_keeps(inbound, who),
            language=who.language,
            territory=who.territory,
            decision=decision,
            now=now if now is not None else exchange.now,
            origin_title=inbound.origin.title.in_language(who.language) if inbound.origin else inbound.host,
            page_url=page_url,
            support_code=support_code,
            tokens=tokens,
            charset=charset,
            allowance=self._allowance(exchange, decision),
            nightly=partial(nights.can_fetch, exchange) if nights is not None else None,
            left=self._left(who.learner),
            ready=nights.ready(who.learner) if nights is not None else 0,
            media=partial(self._offers.offer, exchange, decision, page_url) if self._offers is not None else None,
            by_night=partial(self._offers.can_come, exchange) if self._offers is not None else None,
        )

    def _allowance(self, exchange: Exchange, decision: Decision) -> AllowanceUse | None:
        who, now = exchange.who, exchange.now
        if not who.territory.tariff.allowances or decision.exempt:
            return None
        usage = self._usage(who.territory, who.learner, now)
        return tightest(who.territory, exchange.facts, usage, now, free_now=decision.free_now)

    def calendar_href(self, exchange: Exchange) -> str | None:
        """Where the calendar entry of the next opening is; None where none is in sight."""
        decision = exchange.decision
        if decision.opens_at is None:
            return None
        payload = {
            "u": exchange.inbound.url,
            "o": decision.opens_at.isoformat(),
            "c": decision.traffic_class.value,
        }
        expires = max(decision.opens_at, exchange.now) + TOKEN_LIFETIME
        token = self._tokens.seal("ics", payload, learner="", expires=expires)
        return f"{RESERVED}/opens/{token}.ics"

    @staticmethod
    def script_alone(script: bytes) -> Dressing:
        """What a page wears that is left as it came but for our script."""
        return Dressing(head=script, foot=lambda: b"", render_card=lambda heavy: b"", size_label=lambda nbytes: "")

    def dressing(
        self,
        exchange: Exchange,
        page_code: Callable[[Exchange], str],
        *,
        charset: str = "utf-8",
        script: bytes = b"",
        film_of: Callable[[str], PictureFilm | None] | None = None,
    ) -> Dressing:
        """What a rewritten page of this exchange wears.

        page_code: asked for a support code at the first card. script: our script element, b"" for none.
        film_of: the film in a picture's place, None where none may be.
        """
        context = self.context(exchange, charset=charset)
        language = exchange.who.language
        with_code: list[PageContext] = []

        def render_card(heavy: Heavy) -> bytes:
            if not with_code:
                with_code.append(replace(context, support_code=page_code(exchange)))
            return card(heavy, with_code[0])

        def render_with(render: Callable[[Heavy, PageContext], bytes]) -> Callable[[Heavy], bytes]:
            return lambda heavy: render(heavy, context)

        return Dressing(
            head=head_link(plain=exchange.decision.treatments.page.text_first) + script,
            foot=lambda: page_bar(context, self.savings(exchange)),
            render_card=render_card,
            render_versions=render_with(other_versions),
            render_light=render_with(light_copies),
            size_label=lambda nbytes: size_text(nbytes, language),
            film_of=film_of,
        )


def _keeps(inbound: Inbound, who: Who) -> bool:
    """Whether the browser's own store is the one on her side of the dear hop, and is on."""
    on = inbound.origin is not None and inbound.origin.own_store.enabled
    return on and inbound.mode is Mode.REVERSE and who.territory.store is Store.BROWSER
