"""The file for a learner's calendar that a closed consultation's page offers.

Laws: what it says comes from a sealed token, for which anybody may have the file; the calendar library, a fourteenth of
a second to load, is loaded by the first who asks, in a thread beside the exchanges.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from policies.values import TrafficClass
from proxy.account.tokens import Tokens
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.own.dressing import Dresser
from proxy.pages import PageContext
from proxy.stages.context import Exchange


async def calendar_answer(exchange: Exchange, token: str, tokens: Tokens, dresser: Dresser) -> Answer:
    """The .ics of the opening that the token names; 404 where the token doesn't open."""
    payload = tokens.open("ics", token, learner="", now=exchange.now)
    if payload is None:
        return plain_answer(404, b"", "text/plain")
    starts_at = datetime.fromisoformat(payload["o"])
    decision = replace(exchange.decision, traffic_class=TrafficClass(payload["c"]))
    context = replace(dresser.context(exchange), page_url=payload["u"], decision=decision)
    body = await asyncio.to_thread(_entry, context, starts_at)
    disposition = 'attachment; filename="opening.ics"'
    return plain_answer(200, body, "text/calendar; charset=utf-8", Content_Disposition=disposition)


def _entry(context: PageContext, starts_at: datetime) -> bytes:
    from proxy.pages.calendar_entry import ics  # it loads icalendar: not at every start of the process

    return ics(context, starts_at=starts_at)
