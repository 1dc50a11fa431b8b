"""Moving pictures as short muted films: made beside the picture, known by its address, sent under an address of ours.

Laws: the picture's own address goes on giving a picture, to whoever asks; a page is told of a film only when it is
made; who may have it is asked of the origin as for any medium; what one learner's private picture became is known to
her alone. Memory only, bounded: what is forgotten is a picture again until somebody fetches it next.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from policies.frozen import Frozen
from policies.treatments import Action, Animation, ImageTreatment
from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.media.desk import Desk
from proxy.media.refs import SourceRef
from proxy.media.store_values import StoredMedia
from proxy.media.views import Order, State, Watcher
from proxy.stages.context import Exchange
from proxy.stages.media import stored_answer
from proxy.stages.media_orders import order_of
from proxy.stages.media_origin import MediaOrigin, source_ref
from proxy.stages.places import saves_here
from proxy.tasks import TaskKeeper
from proxy.transforms.media.spec import AnimationSpec, Recipe
from proxy.upstream.reply import OriginReply

_STAYS = timedelta(minutes=10)
_PUBLIC = ""
_OVER = frozenset({State.READY, State.UNCHANGED})
_K = TypeVar("_K")
_V = TypeVar("_V")


class MovingFilm(Frozen, frozen=True, kw_only=True):
    """A film that can stand in a picture's place. width_px: the picture's own; loops: for ever, else once."""

    spec: AnimationSpec
    width_px: int
    loops: bool


def has_films(exchange: Exchange) -> bool:
    """Whether policy wants films in the place of moving pictures here, and this place saves by them."""
    image, decision = exchange.decision.treatments.image, exchange.decision
    wanted = image.action is Action.ADAPT and image.animation is Animation.VIDEO
    untouched = decision.exempt or decision.bypassed or decision.observe
    return wanted and not untouched and saves_here(exchange.catalogue.settings.place, decision)


def film_spec(image: ImageTreatment) -> AnimationSpec:
    """As thrifty as animations are anyway, and never beyond what the policy says of pictures."""
    thrifty = AnimationSpec(to="mp4")
    width_px = min(image.max_width_px or thrifty.max_width_px, thrifty.max_width_px)
    return replace(thrifty, max_width_px=width_px, quality=min(image.photo_quality, thrifty.quality))


class MovingFilms:
    """(address, learner where it is private) -> its film."""

    def __init__(self, desk: Desk, origin: MediaOrigin, keeper: TaskKeeper, *, max_entries: int = 5000) -> None:
        self._desk = desk
        self._origin = origin
        self._keeper = keeper
        self._max_entries = max_entries
        self._films: OrderedDict[tuple[str, str], MovingFilm] = OrderedDict()
        self._tried: OrderedDict[tuple[str, str], None] = OrderedDict()  # order, whose knowledge its film will be

    def film_of(self, exchange: Exchange, url: str) -> MovingFilm | None:
        """The film that may stand in this picture's place in a page of this exchange; a look into memory."""
        film = self._films.get((url, exchange.who.learner)) or self._films.get((url, _PUBLIC))
        return film if film is not None and film.spec == film_spec(exchange.decision.treatments.image) else None

    def met(self, exchange: Exchange, reply: OriginReply, length_bytes: int | None) -> None:
        """The origin let this learner have a moving picture: have its film made, if that wasn't tried yet."""
        if not has_films(exchange):
            return
        url, learner = exchange.inbound.url, exchange.who.learner
        ref = source_ref(exchange, url, reply, proven=True) or _confirmed(exchange, reply, length_bytes)
        order = self._order(exchange, url, ref)
        if (order.key, _owner(ref)) in self._tried:
            return
        _put(self._tried, (order.key, _owner(ref)), None, self._max_entries)
        self._desk.authorised.note(learner, ref.key, reply.status, exchange.now)
        self._keeper.start(self._make(order, learner, url), name="moving")

    async def answer(self, exchange: Exchange, url: str, ref: SourceRef) -> Answer:
        """The film; made anew where the store has lost it, and 404 where it can't be had soon."""
        exchange.tally.kind = MediaKind.IMAGE
        order, learner = self._order(exchange, url, ref), exchange.who.learner
        stored = await self._desk.ready(order.key, learner=learner)
        if stored is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(exchange.limits.hold_s):
                    await self._make(order, learner, url)
            stored = await self._desk.ready(order.key, learner=learner)
        answer = await stored_answer(exchange, stored, stored.main_file) if stored is not None else None
        if answer is None:
            self._films.pop((url, _owner(ref)), None)
            return plain_answer(404, b"", "text/plain")
        return answer

    def forget(self, learner: str) -> None:
        """The origin's logout: whoever comes next is shown her own."""
        for key in [key for key in self._films if key[1] == learner != _PUBLIC]:
            del self._films[key]
        for tried in [tried for tried in self._tried if tried[1] == learner != _PUBLIC]:
            del self._tried[tried]

    def _order(self, exchange: Exchange, url: str, ref: SourceRef) -> Order:
        spec = film_spec(exchange.decision.treatments.image)
        fetch = self._origin.fetcher(exchange, url)
        return order_of(Recipe.ANIMATION, spec, ref, region=exchange.decision.region, fetch=fetch)

    async def _make(self, order: Order, learner: str, url: str) -> None:
        watcher = Watcher(learner=learner, id=f"moving {url}", stays=_STAYS)
        await self._desk.ask(order, watcher)
        view = await self._desk.outcome(order.key)
        stored = await self._desk.ready(order.key, learner=learner)
        film = _film(order, stored) if stored is not None else None
        if film is not None:
            _put(self._films, (url, _owner(order.source)), film, self._max_entries)
        elif view is None or view.state not in _OVER:
            self._tried.pop((order.key, _owner(order.source)), None)  # another day, another try


def _film(order: Order, stored: StoredMedia) -> MovingFilm | None:
    """None: a film can't play as often as the picture does."""
    plays = stored.facts.get("plays", 0)
    width_px = stored.facts.get("source_width_px")
    if plays not in (0, 1) or not isinstance(width_px, int) or not isinstance(order.spec, AnimationSpec):
        return None
    return MovingFilm(spec=order.spec, width_px=width_px, loops=plays == 0)


def _confirmed(exchange: Exchange, reply: OriginReply, length_bytes: int | None) -> SourceRef:
    """The source that a 304 stands for."""
    return SourceRef(
        origin=exchange.decision.origin or exchange.inbound.host,
        url=exchange.inbound.url,
        etag=reply.headers.get("ETag", ""),
        length_bytes=length_bytes,
        learner=exchange.who.learner,
    )


def _owner(ref: SourceRef) -> str:
    return ref.learner if ref.private else _PUBLIC


def _put(book: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    book.pop(key, None)
    book[key] = value
    if len(book) > most:
        book.popitem(last=False)
