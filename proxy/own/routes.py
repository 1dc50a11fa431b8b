"""The reserved path `/.tropa/`: a learner's own place, the buttons behind cards, style, the front's health check; and
an explicit proxy's configuration file.

Laws: whatever spends or changes is a POST with a sealed token, bound to this learner; no address ever comes from a free
parameter; a token that doesn't open changes nothing and says so; nothing here is cached but the static files.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import unquote

from policies.model import Catalogue
from policies.values import Audience
from proxy.account.account import Accountant
from proxy.account.identity import Identifier
from proxy.account.redact import redacted
from proxy.account.tokens import Tokens
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer, see_other
from proxy.exchange import Inbound
from proxy.late_sheets import PARTS_PATH, LateSheets
from proxy.modes.forward import PAC_PATHS
from proxy.modes.forward import is_own as is_for_proxy
from proxy.own.calendar import calendar_answer
from proxy.own.device import OwnStores
from proxy.own.dressing import Dresser
from proxy.own.forms import read_form
from proxy.own.media import MediaRoutes
from proxy.own.night_routes import NightRoutes
from proxy.own.original_routes import OriginalRoutes
from proxy.own.outbox import TOKEN as OUTBOX_TOKEN
from proxy.own.outbox import OutboxRoutes
from proxy.own.personal import PersonalRoutes
from proxy.own.public_files import pac_answer, static_answer
from proxy.own.refusals import HTML, own_page
from proxy.own.texts import PATH as TEXTS_PATH
from proxy.own.texts import TextRoutes
from proxy.own.uploads import PATH as UPLOADS_PATH
from proxy.own.uploads import UploadRoutes
from proxy.pages import PlaceChoice, PlaceView, nothing_page, place_page, report_thanks
from proxy.stages.context import Exchange

RESERVED = "/.tropa/"
logger = logging.getLogger("tropa.own")

_MOST_SAID_CHARS = 500
_NOTHING = (404, 405)
# Her own place and things: nobody's page is to lie over their buttons. Cards and versions stand in frames of courses.
_NEVER_FRAMED = frozenset({"", "mine", "forget", "outbox", "deferred", "night", TEXTS_PATH, "store"})
_READ_BY_PEOPLE = (Audience.PAGE, Audience.EMBED)


def is_own(inbound: Inbound) -> bool:
    """Whether this is for Tropa itself: the reserved path on every origin, and an explicit proxy's own name."""
    return inbound.target.startswith(RESERVED) or is_for_proxy(inbound)


class OwnRoutes:
    """Answers the reserved path. `identifier` gives the one of the catalogue in force."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        dresser: Dresser,
        originals: OriginalRoutes,
        accountant: Accountant,
        identifier: Callable[[], Identifier],
        late: LateSheets,
        media: MediaRoutes,
        outbox: OutboxRoutes,
        personal: PersonalRoutes,
        forget_pages: Callable[[str], Awaitable[int]],
        uploads: UploadRoutes,
        stores: OwnStores,
        nights: NightRoutes,
        texts: TextRoutes,
    ) -> None:
        self._tokens = tokens
        self._dresser = dresser
        self._originals = originals
        self._accountant = accountant
        self._identifier = identifier
        self._late = late
        self._media = media
        self._outbox = outbox
        self._personal = personal
        self._forget_pages = forget_pages
        self.uploads = uploads
        self._stores = stores
        self._nights = nights
        self._texts = texts
        self._posts: Mapping[str, Callable[[Exchange, Mapping[str, str]], Awaitable[Answer]]] = {
            "original": self._original,
            "report": self._report,
            "place": self._place,
            "language": self._language,
            "tonight": self._tonight,
            "cancel": self._cancel,
            "mine": self._mine,
            "forget": self._forget,
            "notify": self._notify,
        }

    async def answer(self, exchange: Exchange) -> Answer:
        """Raises ExchangeError for a form that can't be read."""
        exchange.tally.treatment = "own"
        exchange.tally.direct_bytes = 0
        answer = await self._routed(exchange)
        if answer.status in _NOTHING and not answer.body and exchange.facts.audience in _READ_BY_PEOPLE:
            page = own_page(answer.status, nothing_page(self._dresser.context(exchange)))
            answer.headers.update(page.headers)
            answer.body = page.body
        if answer.headers.get("Content-Type") == HTML and _is_hers(exchange):
            answer.headers["X-Frame-Options"] = "SAMEORIGIN"  # old browsers; others go by the policy
            answer.headers.add("Content-Security-Policy", "frame-ancestors 'self'")
        return answer

    async def _routed(self, exchange: Exchange) -> Answer:
        method, name = exchange.inbound.request.method, exchange.inbound.path.removeprefix(RESERVED)
        if name.partition("/")[0] == UPLOADS_PATH:
            return await self.uploads.answer(exchange, name.partition("/")[2])
        if method in ("GET", "HEAD"):
            return await self._get(exchange, name)
        return await self._post(exchange, name) if method == "POST" else self._other(name)

    async def _post(self, exchange: Exchange, name: str) -> Answer:
        if name.startswith("make/"):
            return await self._make(exchange, name.removeprefix("make/"), await read_form(exchange))
        if name.startswith("outbox/"):
            return await self._decided(exchange, name.removeprefix("outbox/"), await read_form(exchange))
        if name in self._posts:
            return await self._posts[name](exchange, await read_form(exchange))
        return self._other(name)

    def _other(self, name: str) -> Answer:
        """A method that this address doesn't have (RFC 9110, section 15.5.6)."""
        return plain_answer(405, b"", "text/plain", Allow="POST" if name in self._posts else "GET, HEAD")

    # -- reading -------------------------------------------------------------------------------------------

    async def _get(self, exchange: Exchange, name: str) -> Answer:
        if name.startswith(PARTS_PATH):
            part = await self._late.answer(name.removeprefix(PARTS_PATH), exchange.codings)
            return part or plain_answer(404, b"", "text/plain")
        if name.startswith("media/"):
            return await self._version(exchange, name.removeprefix("media/"))
        if name.partition("/")[0] == TEXTS_PATH:
            return await self._texts.page(exchange, name.partition("/")[2], page_url=_came_from(exchange))
        if name == "outbox" or name.startswith("outbox/"):
            return await self._outbox.page(exchange, name, page_url=_came_from(exchange))
        if name == "night":
            return await self._nights.night(exchange, page_url=_came_from(exchange))
        if name.startswith("opens/") and name.endswith(".ics"):
            token = name.removeprefix("opens/").removesuffix(".ics")
            return await calendar_answer(exchange, token, self._tokens, self._dresser)
        return self._get_at_once(exchange, name)

    def _get_at_once(self, exchange: Exchange, name: str) -> Answer:
        if name in PAC_PATHS and is_for_proxy(exchange.inbound):
            return pac_answer(exchange)
        if name == "health":
            return plain_answer(200, b"ok\n", "text/plain")
        if name.startswith("static/"):
            return static_answer(exchange, name.removeprefix("static/"))
        if name.startswith("store/"):
            return self._stores.answer(exchange, name.removeprefix("store/"))
        if name == "mine":
            return self._personal.page(exchange)
        if name == "deferred":
            return self._nights.deferred(exchange, page_url=_came_from(exchange))
        if name == "":
            return own_page(200, self._place_page(exchange))
        return plain_answer(404, b"", "text/plain")

    def _place_page(self, exchange: Exchange, *, stale: bool = False) -> bytes:
        who = exchange.who
        usage = self._accountant.usage(who.territory, who.learner, exchange.now)
        view = PlaceView(
            known_by=who.known_by,
            choices=choices(exchange.catalogue),
            allowances=usage.allowances,
            savings=self._dresser.savings(exchange),
            stale=stale,
        )
        return place_page(self._dresser.context(exchange, page_url=_came_from(exchange)), view)

    # -- doing ---------------------------------------------------------------------------------------------

    def _opened(self, exchange: Exchange, purpose: str, form: Mapping[str, str]) -> Mapping[str, str] | None:
        """What the token says; tokens made for the id that this browser had before it logged in are hers as well."""
        token = form.get("token", "")
        learners = (exchange.who.learner, *self._identifier().also_known(exchange.inbound, exchange.now))
        for learner in learners:
            payload = self._tokens.open(purpose, token, learner=learner, now=exchange.now)
            if payload is not None:
                return payload
        return None

    async def _original(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "original", form)
        if payload is None:
            return self._stale(exchange)
        return await self._originals.original(exchange, payload, confirmed="confirmed" in form)

    async def _report(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "report", form)
        if payload is None:
            return self._stale(exchange)
        self._accountant.broken_pages.report(exchange.who.learner, payload["u"], exchange.now)
        said = _in_one_line(form.get("what", ""))[:_MOST_SAID_CHARS]
        logger.warning("a page was reported as broken: %s: %s", redacted(payload["u"]), said or "(nothing said)")
        context = replace(self._dresser.context(exchange), page_url=payload["u"])
        return own_page(200, report_thanks(context))

    async def _place(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        if self._opened(exchange, "place", form) is None:
            return self._stale(exchange)
        region, _, site = form.get("place", "").partition("/")
        cookie = self._identifier().choose_place(exchange.inbound, unquote(region), unquote(site), exchange.now)
        return self._stale(exchange) if cookie is None else see_other(RESERVED, cookie)

    async def _language(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        if self._opened(exchange, "language", form) is None:
            return self._stale(exchange)
        cookie = self._identifier().choose_language(exchange.inbound, form.get("language", ""), exchange.now)
        return self._stale(exchange) if cookie is None else see_other(RESERVED, cookie)

    # -- versions ------------------------------------------------------------------------------------------

    async def _version(self, exchange: Exchange, path: str) -> Answer:
        token, _, rest = path.partition("/")
        payload = self._opened(exchange, "media", {"token": token})
        if payload is None:
            return self._stale(exchange)
        return await self._media.get(exchange, rest, payload, token)

    async def _make(self, exchange: Exchange, version: str, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "media", form)
        if payload is None:
            return self._stale(exchange)
        return await self._media.make(exchange, version, form["token"], payload)

    async def _tonight(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "tonight", form)
        return self._stale(exchange) if payload is None else await self._nights.tonight(exchange, payload)

    async def _cancel(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "cancel", form)
        return self._stale(exchange) if payload is None else await self._nights.cancel(exchange, payload)

    async def _notify(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "notify", form)
        return self._stale(exchange) if payload is None else await self._nights.notify(exchange, form)

    async def _decided(self, exchange: Exchange, act: str, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, OUTBOX_TOKEN, form)
        return self._stale(exchange) if payload is None else await self._outbox.act(exchange, act, payload["i"])

    # -- what is kept about her ----------------------------------------------------------------------------

    async def _mine(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "mine", form)
        return self._stale(exchange) if payload is None else await self._personal.export(exchange)

    async def _forget(self, exchange: Exchange, form: Mapping[str, str]) -> Answer:
        payload = self._opened(exchange, "forget", form)
        return self._stale(exchange) if payload is None else await self._personal.forget(exchange)

    def _stale(self, exchange: Exchange) -> Answer:
        """The token doesn't open: too old, somebody else's, or invented. The place page lets her start anew."""
        return own_page(409, self._place_page(exchange, stale=True))

    def instead_of_playback(self, exchange: Exchange) -> Answer | None:
        """The versions of a recording, where its own page would bring all its films; None: its page goes."""
        return self._media.instead_of_playback(exchange)

    async def note_logout(self, exchange: Exchange) -> str | None:
        """At the origin's logout this learner's grants end and her own pages go.

        Returns the Set-Cookie that ends her identity here; None: it is no logout.
        """
        identifier = self._identifier()
        if not identifier.is_logout(exchange.inbound):
            return None
        for learner in (exchange.who.learner, *identifier.also_known(exchange.inbound, exchange.now)):
            await self._originals.forget(learner)
            await self._media.forget(learner)
            await self._forget_pages(learner)
            await self.uploads.forget(learner)
            await self._outbox.session_ended(learner)
        return identifier.ended(exchange.inbound, exchange.now)


def _is_hers(exchange: Exchange) -> bool:
    return exchange.inbound.path.removeprefix(RESERVED).partition("/")[0] in _NEVER_FRAMED


def _in_one_line(text: str) -> str:
    """What somebody typed, fit for a log that is read in a terminal: no line ends, no control sequences."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _came_from(exchange: Exchange) -> str:
    """The course's page that she came from, by Referer; "" where it is another site's or one of ours."""
    referer = exchange.inbound.request.headers.get("Referer", "")
    inbound = exchange.inbound
    home = f"{inbound.scheme}://{inbound.authority}"
    if not referer.startswith(home + "/") or referer.startswith(home + RESERVED):
        return ""
    return referer


def choices(catalogue: Catalogue) -> tuple[PlaceChoice, ...]:
    """The places that a learner may say she is at."""
    return tuple(
        PlaceChoice(region=territory.region, site=territory.site, title=territory.title)
        for territory in catalogue.territories.values()
        if territory.selectable
    )
