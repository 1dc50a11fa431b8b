"""Versions of a film, a recording or a document under the reserved path: choosing, waiting, watching, keeping.

    POST make/VERSION            a sealed token      begins (or joins) the making and leads to the viewer
    GET  media/TOKEN/            every version, what it costs, what is ready
    GET  media/TOKEN/VERSION     the viewer; while it is being made, how far it is; where it can't be, what is left
    GET  media/TOKEN/VERSION/X   a file of it
    GET  media/TOKEN/moving      the film in a moving picture's place
    POST tonight, cancel         a deferred request, and its end;  GET deferred: their receipt

Laws: an address is opened only by a token sealed for this learner; what is served is what policy allows her now, for
the film's own address, and only after the origin has let her have the source; a GET begins no work but what the player
of a film that she chose asks for; a tap is answered at once, however slowly the origin does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote

from policies.treatments import Form
from policies.values import Audience, MediaKind
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer, see_other
from proxy.media.desk import Desk
from proxy.media.store_values import StoredMedia
from proxy.media.views import JobView, Order, State
from proxy.own.beginnings import Beginnings
from proxy.own.choices import Choices
from proxy.own.deferred import DeferredRequests, Seal
from proxy.own.dressing import Dresser
from proxy.own.films import MOVING
from proxy.own.job_states import is_in_vain, making_of
from proxy.own.media_asking import MediaAsking, watcher_of
from proxy.own.refusals import own_page
from proxy.own.segments import SEGMENTS, Segments
from proxy.own.shown_sources import Asked, ShownSources
from proxy.own.viewer import FILES, LOOKS, PLAY, Viewer
from proxy.pages import static_href
from proxy.pages.media import Deferred, Making, impossible_page, making_page, versions_page
from proxy.pages.versions import PLAYBACK_PATH, allowed_forms
from proxy.stages.context import Exchange
from proxy.stages.ladder import LadderStage
from proxy.stages.media import playable
from proxy.stages.media_book import MediaBook, Seen
from proxy.stages.moving import MovingFilms, has_films
from proxy.stages.places import saves_here
from proxy.stages.recordings import folder_of
from proxy.transforms.spec import Heavy

_PATIENCE_S = 1.0
_FULL = "?full"  # leads to all versions, and says that there was no room for one more
_SOONEST_S, _LATEST_S = 5.0, 60.0  # within the time that somebody is waited for
Opened = Callable[[Exchange, str, str], Mapping[str, str] | None]


class MediaRoutes:
    """Answers what `OwnRoutes` hands on."""

    def __init__(
        self,
        *,
        desk: Desk,
        sources: ShownSources,
        asking: MediaAsking,
        book: MediaBook,
        choices: Choices,
        deferred: DeferredRequests,
        dresser: Dresser,
        viewer: Viewer,
        segments: Segments,
        beginnings: Beginnings,
        moving: MovingFilms,
        ladders: LadderStage,
    ) -> None:
        self._desk = desk
        self._sources = sources
        self._asking = asking
        self._book = book
        self._choices = choices
        self._deferred = deferred
        self._dresser = dresser
        self._viewer = viewer
        self._segments = segments
        self._beginnings = beginnings
        self._moving = moving
        self._ladders = ladders

    # -- doing ---------------------------------------------------------------------------------------------

    async def make(self, exchange: Exchange, version: str, token: str, payload: Mapping[str, str]) -> Answer:
        """Begin what she chose and lead her to it; remembers the choice."""
        asked = self._asking.asked(exchange, token, payload)
        if isinstance(asked, Answer):
            return asked
        if version not in allowed_forms(asked.heavy, asked.context):
            return self._all_versions(asked)
        if not saves_here(exchange.catalogue.settings.place, asked.exchange.decision):
            return see_other(f"/.tropa/media/{token}/{version}")  # what a night made opens; nothing is made by day
        await self._choices.remember(exchange.who.learner, asked.heavy.kind.value, version, exchange.now)
        view = await self._beginnings.begin(self._beginning(asked, version), partial(self._begin, asked, version))
        there = f"/.tropa/media/{token}/"
        return see_other(there + (_FULL if view is not None and view.state is State.FULL else version))

    async def _begin(self, asked: Asked, version: str) -> JobView | None:
        """Have it made for her; how it stands a moment later, None where she can't have it."""
        asked = await self._asking.titled(asked)
        seen = await self._sources.seen(asked)
        order = self._sources.order(asked, version, seen) if seen is not None else None
        if seen is None or order is None:
            return None
        if version == Form.CAPPED and self._segments.are_better(asked.exchange, asked.url):
            order = self._segments.order(asked.exchange, asked.url, seen.ref, title=asked.title)
        ticket = await self._desk.ask(order, watcher_of(asked, version))
        view = await playable(self._desk, ticket, within_s=_PATIENCE_S)
        self._asking.note(asked, seen, version, view)
        return view

    async def _beginning_of(self, asked: Asked, version: str) -> Answer | None:
        """What is told while the origin hasn't answered, or where there was no room; None: it was begun, or never."""
        key = self._beginning(asked, version)
        if await self._beginnings.is_open(key):
            return own_page(200, making_page(asked.heavy, asked.context, Making(form=version, state="asking")))
        late = self._beginnings.came_late(key)
        return self._all_versions(asked, full=True) if late is not None and late.state is State.FULL else None

    @staticmethod
    def _beginning(asked: Asked, version: str) -> tuple[str, ...]:
        return asked.exchange.who.learner, version, asked.url

    async def tonight(self, exchange: Exchange, payload: Mapping[str, str]) -> Answer:
        """File a request for the free hours; its receipt says when."""
        asked = self._asking.asked(exchange, "", payload)
        if isinstance(asked, Answer):
            return asked
        asked = await self._asking.titled(asked)
        version = self._asking.later_version(asked)
        seen = await self._sources.seen(asked)
        order = self._sources.order(asked, version, seen) if seen is not None else None
        view = await self._desk.view(order.key) if order is not None else None
        if seen is not None:
            self._asking.note(asked, seen, version, view)
        if order is None or (view is not None and is_in_vain(view)):
            return own_page(200, impossible_page(asked.heavy, asked.context, version or Form.CAPPED.value))
        lead = {**payload, "k": asked.heavy.kind.value}
        receipt = await self._deferred.file(asked.exchange, order, version, lead)
        return see_other("/.tropa/deferred?filed" if receipt is not None else "/.tropa/deferred?full")

    async def cancel(self, exchange: Exchange, receipt: str) -> Answer:
        """Give up a deferred request; what is over stays as it is."""
        await self._deferred.cancel(exchange, receipt)
        return see_other("/.tropa/deferred")

    async def forget(self, learner: str) -> None:
        """The origin's logout: what this learner was let have is asked for again by whoever comes next."""
        self._desk.forget(learner)
        self._book.forget(learner)
        self._moving.forget(learner)
        await self._choices.forget(learner)
        await self._sources.forget(learner)
        await self._ladders.forget(learner)

    def instead_of_playback(self, exchange: Exchange) -> Answer | None:
        """A recording's page is a program that brings all its films: where policy has lighter versions, those first."""
        inbound, decision = exchange.inbound, exchange.decision
        if PLAYBACK_PATH not in inbound.path or inbound.request.method != "GET" or folder_of(inbound.url) is None:
            return None
        touched = not (decision.observe or decision.bypassed or decision.exempt)
        if not touched or exchange.facts.audience is not Audience.PAGE:
            return None
        heavy = Heavy(url=inbound.url, kind=MediaKind.VIDEO)
        context = self._dresser.context(exchange)
        offer = context.media(heavy) if context.media is not None and allowed_forms(heavy, context) else None
        if offer is None:
            return None
        exchange.tally.treatment, exchange.tally.direct_bytes = "own", 0
        return see_other(f"/.tropa/media/{offer.token}/")

    # -- reading -------------------------------------------------------------------------------------------

    async def get(self, exchange: Exchange, rest: str, payload: Mapping[str, str], token: str) -> Answer:
        """rest: what follows TOKEN/ in the path."""
        asked = self._asking.asked(exchange, token, payload)
        if isinstance(asked, Answer):
            return asked
        version, _, name = rest.partition("/")
        if not version:
            return self._all_versions(await self._asking.titled(asked))
        if version == MOVING:
            return await self._film_of_picture(asked)
        return await self._version(asked, version, name)

    async def _version(self, asked: Asked, version: str, name: str) -> Answer:
        """One version's viewer, or a file of it."""
        exchange = asked.exchange
        if version not in allowed_forms(asked.heavy, asked.context):
            return plain_answer(404, b"", "text/plain")
        if not name and (begun := await self._beginning_of(asked, version)) is not None:
            return begun
        seen = await self._sources.seen(asked)
        if seen is None:
            return see_other(asked.context.page_url or asked.url)  # her login may be over: the course's page will tell
        order = self._sources.order(asked, version, seen)
        if order is None:
            return own_page(200, impossible_page(asked.heavy, asked.context, version))
        stored = await self._desk.ready(order.key, learner=exchange.who.learner)
        if stored is None and not saves_here(exchange.catalogue.settings.place, exchange.decision):
            return see_other(asked.context.page_url or asked.url)
        if version == Form.CAPPED:
            in_segments = await self._in_segments(asked, name, seen, order, stored)
            if in_segments is not None:
                return in_segments
        if name:
            return await self._file(asked, version, name, order, stored)
        if stored is None:
            return await self._wait(asked, version, order, seen)
        return await self._shown(asked, version, seen, stored, order.key)

    async def _film_of_picture(self, asked: Asked) -> Answer:
        """What stands in a moving picture's place; 404 where it may not, or the origin doesn't let her have it."""
        seen = await self._sources.seen(asked) if has_films(asked.exchange) else None
        if seen is None:
            return plain_answer(404, b"", "text/plain")
        return await self._moving.answer(asked.exchange, asked.url, seen.ref)

    async def _shown(self, asked: Asked, version: str, seen: Seen, stored: StoredMedia, name: str) -> Answer:
        """The viewer of what is made."""
        if not await self._viewer.has(version, stored):
            self._book.cannot_be(seen.ref, asked.url, version)
            return own_page(200, impossible_page(asked.heavy, asked.context, version))
        length_bytes = await self._viewer.bytes_of(version, stored)
        self._book.became_ready(seen.ref, asked.url, version, length_bytes, name=name)
        page = await self._viewer.page(asked.exchange, asked.heavy, asked.context, version, stored)
        return page if page is not None else self._all_versions(asked)

    async def _in_segments(
        self, asked: Asked, name: str, seen: Seen, order: Order, stored: StoredMedia | None
    ) -> Answer | None:
        """A long film: its segments as they are asked for, or all of it for a player that knows none of them.

        None: it is answered as any other film.
        """
        exchange, segments = asked.exchange, self._segments
        of_segments = segments.order(exchange, asked.url, seen.ref, title=asked.title)
        folder, _, file = name.partition("/")
        if folder == SEGMENTS and file:
            answer = await segments.answer(exchange, of_segments, file)
            return answer if answer is not None else plain_answer(404, b"", "text/plain")
        if stored is not None or not segments.are_better(exchange, asked.url):
            return None
        if name == PLAY:  # a browser that plays no segments takes the whole, and only then is it made
            ticket = await self._desk.ask(order, watcher_of(asked, PLAY))
            await playable(self._desk, ticket, within_s=exchange.limits.hold_s)
        if name:
            return None
        if await self._desk.ready(of_segments.key, learner=exchange.who.learner) is None:
            return await self._wait(asked, Form.CAPPED, of_segments, seen)
        return self._viewer.segments_page(exchange, asked.heavy, asked.context)

    async def _file(self, asked: Asked, version: str, name: str, order: Order, stored: StoredMedia | None) -> Answer:
        if name == FILES:
            return await self._files(asked, version, order, stored)
        answer: Answer | None = None
        if stored is not None:
            answer = await self._viewer.file(asked.exchange, asked.heavy, asked.context, version, stored, name)
        elif name == PLAY:
            growing = self._desk.growing(order.key, learner=asked.exchange.who.learner)
            answer = self._viewer.growing(asked.exchange, version, order, growing)
        return answer if answer is not None else plain_answer(404, b"", "text/plain")

    async def _files(self, asked: Asked, version: str, order: Order, stored: StoredMedia | None) -> Answer:
        """What a browser has to take to keep this version, or in how many seconds to ask again."""
        told: dict[str, object] = {}
        if stored is not None:
            names = await self._viewer.names(version, stored)
            files = (f"/.tropa/media/{asked.token}/{version}/{quote(name)}" for name in names)
            told = {"list": [*files, *(static_href(name) for name in LOOKS)]}
        else:
            view = await self._desk.view(order.key)
            if view is not None and view.is_open:
                ticket = await self._desk.ask(order, watcher_of(asked, version))
                view = ticket.view
                told = {"wait_s": round(min(max(view.ready_in_s or 0.0, _SOONEST_S), _LATEST_S))}
        return plain_answer(200, json.dumps(told).encode(), "application/json")

    async def _wait(self, asked: Asked, version: str, order: Order, seen: Seen) -> Answer:
        """How far it is; she is waited for as long as the page comes again."""
        view = await self._desk.view(order.key)
        if view is not None and view.is_open:
            ticket = await self._desk.ask(order, watcher_of(asked, version))
            view = ticket.view
        self._asking.note(asked, seen, version, view)
        if view is not None and view.state is State.UNCHANGED and version == Form.CAPPED:
            return await self._viewer.source_page(asked.exchange, asked.heavy, asked.context)
        if view is None or view.state in (State.CANCELLED, State.FULL):
            return self._all_versions(asked)
        if not view.is_open:
            return own_page(200, impossible_page(asked.heavy, asked.context, version))
        growing = self._desk.growing(order.key, learner=asked.exchange.who.learner) if view.growing else None
        if growing is not None:
            return self._viewer.growing_page(asked.heavy, asked.context, version, growing)
        return own_page(200, making_page(asked.heavy, asked.context, making_of(version, view)))

    def requests(self, exchange: Exchange, seal: Seal) -> tuple[Deferred, ...]:
        """The receipts of the lighter versions that she asked for the free hours."""
        return self._deferred.of(exchange, seal)

    def has_lighter(self, exchange: Exchange, payload: Mapping[str, str]) -> bool:
        """Whether what the token stands for has a lighter version that policy allows her."""
        asked = self._asking.asked(exchange, "", payload)
        return isinstance(asked, Answer) or bool(self._asking.later_version(asked))

    def _all_versions(self, asked: Asked, *, full: bool = False) -> Answer:
        full = full or f"?{asked.exchange.inbound.query}" == _FULL
        return own_page(200, versions_page(asked.heavy, asked.context, full=full))
