"""What the origin's pages say of a message: whether it stands there already, with what it may be sent now.

Laws of this file: pages are read with the learner's own session, and nothing is sent or changed; what a page doesn't
prove isn't known.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from policies.frozen import Frozen
from policies.model import OutboxForm
from proxy.errors import ExchangeError
from proxy.exchange import authority_of
from proxy.outbox.call import token_on, with_token
from proxy.outbox.form import Form
from proxy.outbox.item import Address, Item
from proxy.outbox.judging import Said, Verdict, of_page
from proxy.outbox.reading import fresh_token, occurrences, tells
from proxy.outbox.side import OriginSide, Visit
from proxy.outbox.states import State

logger = logging.getLogger("tropa.outbox")


class Ready(Frozen, frozen=True, kw_only=True):
    """It can go: where to, the form with a fresh token, how often its words stand there now (None: unknown)."""

    address: Address
    form: Form
    seen: int | None


class NotNow(Frozen, frozen=True, kw_only=True):
    """It waits, and those behind it."""

    why: str


class Ends(Frozen, frozen=True, kw_only=True):
    """It isn't sent any more by itself; those behind it may go on."""

    state: State
    why: str


class OriginPages:
    """Reads them from the origin's side."""

    def __init__(self, side: OriginSide) -> None:
        self._side = side

    async def finds(self, item: Item, rule: OutboxForm, visit: Visit) -> tuple[bool, str]:
        """Whether it stands there more often than before it was sent; else why that isn't known."""
        if not item.look_target or not tells(item.text):
            return False, "cannot-look"
        said = await self._read(item, item.look_target, visit)
        if said is None:
            return False, "link"
        match of_page(said, rule):
            case Verdict.NEEDS_LOGIN:
                return False, "login"
            case Verdict.TAKEN:
                more = occurrences(said.page, item.text) > (item.seen_before or 0)
                return more and item.seen_before is not None, "maybe-there" if more else "not-found"
            case _:
                return False, "cannot-look"

    async def ready(self, item: Item, rule: OutboxForm, visit: Visit) -> Ready | NotNow | Ends:
        """With what it is sent now, by the page that its form stands on."""
        if not item.page_target:
            return Ends(state=State.FAILED, why="no-form")
        said = await self._read(item, item.page_target, visit)
        verdict = Verdict.UNKNOWN if said is None else of_page(said, rule)
        if said is None or verdict in (Verdict.NEEDS_LOGIN, Verdict.UNKNOWN):
            return NotNow(why="login" if verdict is Verdict.NEEDS_LOGIN else "link")
        if verdict is Verdict.REFUSED:
            return Ends(state=State.FAILED, why="gone" if said.status >= 400 else "closed")
        token = _token(item, rule, said.page)
        if token is None:
            return Ends(state=State.FAILED, why="closed")
        seen = await self._seen(item, said, visit)
        if seen and tells(item.text) and not item.insists:
            return Ends(state=State.QUESTION, why="same-words")
        if item.form.is_call:
            address = replace(item.address, target=with_token(item.address.target, rule.token, token))
            return Ready(address=address, form=item.form, seen=seen)
        form = item.form.with_value(rule.token, token) if rule.token else item.form
        return Ready(address=item.address, form=form, seen=seen)

    async def _seen(self, item: Item, form_page: Said, visit: Visit) -> int | None:
        """How often her words stand where it will stand; None: that can't be read."""
        if not item.look_target:
            return None
        if item.look_target == item.page_target:
            return occurrences(form_page.page, item.text)
        said = await self._read(item, item.look_target, visit)
        return occurrences(said.page, item.text) if said is not None and said.status == 200 else None

    async def _read(self, item: Item, target: str, visit: Visit) -> Said | None:
        try:
            return await self._side.read(item.address, target, visit)
        except ExchangeError as error:
            logger.info("the outbox can't read a page of %s: %s", item.origin, error.code)
            return None


def _token(item: Item, rule: OutboxForm, page: str) -> str | None:
    """The session's token as the page has it; None: there is no such form there any more."""
    if item.form.is_call:
        return token_on(page, rule.token)
    path = item.address.target.partition("?")[0]
    return fresh_token(page, page_url=_page_url(item), target_path=path, field=rule.token)


def _page_url(item: Item) -> str:
    address = item.address
    return f"{address.scheme}://{authority_of(address.scheme, address.host, address.port)}{item.page_target}"
