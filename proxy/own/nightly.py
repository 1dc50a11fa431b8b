"""The free hours as people see them: a learner's own wishes with their receipts, and what the place has by the morning.

Laws: filed only where the place rule makes "later" true and something but her own login can have it; a wish is one
learner's; the place's page holds nothing of one learner's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from policies.classify import is_edited
from policies.exceptions import host_matches
from policies.memory import remember
from policies.night import idle_because
from policies.values import MediaKind
from policies.windows import next_opening
from proxy.account.state import State
from proxy.exchange import Inbound
from proxy.media.desk import Desk
from proxy.night.addresses import service_target
from proxy.night.fetcher import NightFetcher
from proxy.night.letters import Letters, Waiting
from proxy.night.report import PlaceReport, report
from proxy.night.wishes import Wanted, kind_of
from proxy.own.deferred import Seal
from proxy.pages.media import Deferred
from proxy.stages.context import Exchange
from scheduler.requests import RequestState

_TOKEN_LIFE = timedelta(days=1)
_MAX_SEEN = 2000
_DUE = frozenset((RequestState.QUEUED, RequestState.WAITING))
WHOLE = "whole"  # the form of a wish: the thing itself
FORMS = {MediaKind.VIDEO: "slidecast", MediaKind.AUDIO: "sound"}


class NightRequests:
    """One per process."""

    def __init__(self, fetcher: NightFetcher, desk: Desk, letters: Letters, state: State) -> None:
        self._fetcher = fetcher
        self._desk = desk
        self._letters = letters
        self._state = state
        self._seen: dict[str, datetime] = {}

    def can_fetch(self, exchange: Exchange, url: str) -> bool:
        """Whether this can be had by night without her: a public site's, or a course's stored file."""
        origin = exchange.inbound.origin
        if origin is None or idle_because(exchange.who.territory, exchange.catalogue.settings) is not None:
            return False
        if exchange.decision.exempt or exchange.decision.bypassed:
            return False
        target = "/" + url.split("/", 3)[-1]
        if is_edited(origin, urlsplit(target).path):
            return False
        if not origin.preset.session_cookies:
            return True
        return origin.service is not None and service_target(target) is not None

    async def file(self, exchange: Exchange, url: str, title: str) -> bool:
        """False: it can't be had by night, or too much is asked for already."""
        if not self.can_fetch(exchange, url):
            return False
        who, now = exchange.who, exchange.now
        return await self._fetcher.ask(who.territory, url, title, who.learner, now) is not None

    async def cancel(self, exchange: Exchange, wish: str) -> bool:
        """False: it is not hers, or no longer open."""
        return await self._fetcher.wishes.cancel(wish, exchange.who.learner, exchange.now)

    def of(self, exchange: Exchange, seal: Seal) -> tuple[Deferred, ...]:
        """Hers, the latest first."""
        return tuple(self._shown(one, exchange, seal) for one in self._fetcher.wishes.of(exchange.who.learner))

    def ready(self, learner: str) -> int:
        """How many of her things have come since she last looked at her receipts."""
        seen = self._seen.get(learner)
        told = [(one.state, one.changed) for one in self._fetcher.wishes.of(learner)]
        told += [(view.state, view.changed) for view in self._desk.deferred(learner)]
        return sum(state is RequestState.READY and (seen is None or changed > seen) for state, changed in told)

    def saw(self, learner: str, now: datetime) -> None:
        """She has looked at her receipts."""
        self._seen.pop(learner, None)
        remember(self._seen, learner, now, _MAX_SEEN)

    def forget(self, learner: str) -> None:
        """When she looked is forgotten."""
        self._seen.pop(learner, None)

    # -- letters -----------------------------------------------------------------------------------------------

    def may_write(self, exchange: Exchange) -> bool:
        """Whether a letter can be offered: somebody takes them, and she has none on its way."""
        return self._letters.mail is not None and not self._letters.is_waiting(exchange.who.learner)

    async def write_to(self, exchange: Exchange, address: str) -> bool:
        """She wants a letter at this address, once; False: it is none."""
        who = exchange.who
        waiting = Waiting(
            learner=who.learner,
            to=address.strip(),
            language=who.language,
            home=home_of(exchange.inbound),
            since=exchange.now,
        )
        return await self._letters.leave(waiting, exchange.now)

    # -- the place ---------------------------------------------------------------------------------------------

    async def report(self, exchange: Exchange) -> PlaceReport:
        """How her place stands."""
        return await report(self._state, exchange.who.territory, exchange.catalogue.settings, exchange.now)

    def _shown(self, wanted: Wanted, exchange: Exchange, seal: Seal) -> Deferred:
        until = exchange.now + _TOKEN_LIFE
        kind = kind_of(wanted)
        href = wanted.url
        form = FORMS.get(kind, WHOLE) if kind is not None else WHOLE
        if form != WHOLE:
            token = seal("media", {"u": wanted.url, "k": str(kind), "t": wanted.title[:60]}, until)
            href = f"/.tropa/media/{token}/"
        return Deferred(
            title=wanted.title,
            form=form,
            state=wanted.state,
            asked_at=wanted.since,
            due_at=_due_at(wanted, exchange) if wanted.state in _DUE else None,
            why=_WHY.get(wanted.reason, "other" if wanted.state is RequestState.FAILED else ""),
            href=href if wanted.state is RequestState.READY else "",
            token=seal("cancel", {"w": wanted.id}, until) if wanted.is_open else None,
        )


def home_of(inbound: Inbound) -> str:
    """The site's front, by a name of the site's own: a listener of one origin takes any Host, a letter takes none."""
    names = inbound.origin.hosts if inbound.origin is not None else ()
    own = next((name for name in names if not name.startswith("*.")), "")
    is_its_own = not own or any(host_matches(name, inbound.host) for name in names)
    return f"{inbound.scheme}://{inbound.authority if is_its_own else own}"


_WHY = {
    "window": "window",
    "allowance": "allowance",
    "needs-visit": "only-you",
    "private": "only-you",
    "not-allowed": "only-you",
    "assessment": "assessment",
    "origin-404": "source-gone",
    "origin-410": "source-gone",
    "disk": "no-room",
    "too-large": "too-large",
}


def _due_at(wanted: Wanted, exchange: Exchange) -> datetime | None:
    """When it is gone on with; None: now."""
    free = exchange.who.territory.tariff.free
    opens = None if exchange.decision.free_now else next_opening(free, exchange.now)
    known = [instant for instant in (opens, wanted.not_before) if instant is not None and instant > exchange.now]
    return max(known, default=None)
