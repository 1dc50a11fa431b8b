"""What the pages side is told of an exchange: context, tokens, and what a rewritten page wears.

Laws: a token is made only for what policy allows now; nothing here decides.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from policies.decision import Decision
from proxy.account.tokens import Tokens
from proxy.deliver.validators import fingerprint
from proxy.exchange import Inbound, Who
from proxy.pages import RESERVED, PageContext, Savings, card, head_link, page_bar, size_text
from proxy.stages.context import Exchange
from proxy.stages.page import Dressing

TOKEN_LIFETIME = timedelta(hours=24)


class Dresser:
    """Fills page contexts; built once."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def token_makers(self, inbound: Inbound, who: Who, now: datetime) -> dict[str, Callable[[str], str]]:
        """action -> maker of a token for a URL, bound to this learner for a day."""
        make = partial(self._token, page_url=inbound.url, learner=who.learner, expires=now + TOKEN_LIFETIME)
        return {action: partial(make, action) for action in ("original", "report", "place", "language")}

    def _token(self, action: str, url: str, *, page_url: str, learner: str, expires: datetime) -> str:
        payload = {"u": url or page_url}
        if url and url != page_url:
            payload["p"] = page_url
        return self._tokens.seal(action, payload, learner=learner, expires=expires)

    def context(
        self,
        exchange: Exchange,
        *,
        support_code: str | None = None,
        charset: str = "utf-8",
        decision: Decision | None = None,
        now: datetime | None = None,
    ) -> PageContext:
        """What a page or card of this exchange is told. decision, now: where it was decided again later."""
        inbound, who = exchange.inbound, exchange.who
        decision = decision if decision is not None else exchange.decision
        tokens = self.token_makers(inbound, who, exchange.now)
        if decision.original_max_bytes == 0:
            del tokens["original"]
        return PageContext(
            language=who.language,
            territory=who.territory,
            decision=decision,
            now=now if now is not None else exchange.now,
            origin_title=inbound.origin.title.in_language(who.language) if inbound.origin else inbound.host,
            page_url=inbound.url,
            support_code=support_code,
            tokens=tokens,
            charset=charset,
        )

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

    def dressing(self, exchange: Exchange, *, charset: str = "utf-8") -> Dressing:
        """What a rewritten page of this exchange wears."""
        context = self.context(exchange, charset=charset)
        language = exchange.who.language
        return Dressing(
            head=head_link(),
            foot=lambda: page_bar(context, Savings()),
            render_card=lambda heavy: card(heavy, context),
            size_label=lambda nbytes: size_text(nbytes, language),
            way=fingerprint(language, exchange.who.territory.region, exchange.catalogue.fingerprint),
        )
