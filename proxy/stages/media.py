"""AdaptVideo, AdaptAudio: the smaller film or recording goes in its place, while the rest of it is still being made.

Laws: every learner is authorised by the origin's own answer to her own request before a byte goes; a player that was
started is held until there is something to play, for it would give up for good; in an assessment it is held no longer
than any subresource, and then the film goes as it is; bytes of two forms are never spliced; a source that is small
enough already goes as it is; what can't be made isn't answered here but by the plan's own fall-back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

from multidict import CIMultiDict

from policies.decision import AdaptAudio, AdaptVideo
from policies.values import Audience, MediaKind
from proxy.deliver.answer import Answer, Tally
from proxy.deliver.ranges import file_answer
from proxy.deliver.send import plain_answer
from proxy.deliver.sticky import Sticky
from proxy.media.desk import Desk
from proxy.media.growing import Growing, GrowingBroken
from proxy.media.store_values import StoredFile, StoredMedia
from proxy.media.views import JobView, Order, State, Ticket, Watcher
from proxy.stages.context import Exchange, Fetched
from proxy.stages.media_book import MediaBook
from proxy.stages.media_orders import SOUND, order_of, playing_recipe
from proxy.stages.media_origin import MediaOrigin, source_ref
from proxy.stages.passing import passing_answer
from proxy.stages.places import saves_here
from proxy.transforms.media.growing import ALL_MADE
from proxy.transforms.media.spec import CappedSpec, Recipe, SoundSpec
from proxy.upstream.faults import upstream_truncated

_PLAYER_WAITS_S = 20.0  # adapted pages preload no film: whoever asks has pressed "play"
_STAYS = timedelta(minutes=2)  # a player that was told to come again does so within this time, or not at all
_SOONEST_RETRY_S, _LATEST_RETRY_S = 5, 120
_READERS = frozenset({Audience.PAGE, Audience.EMBED})


class MediaStage:
    """Sends what the desk makes."""

    def __init__(self, desk: Desk, origin: MediaOrigin, book: MediaBook, sticky: Sticky) -> None:
        self._desk = desk
        self._origin = origin
        self._book = book
        self._sticky = sticky

    async def answer(self, exchange: Exchange, fetched: Fetched, plan: AdaptVideo | AdaptAudio) -> Answer | None:
        """The adapted film or recording; None: it isn't to be had so, and a card or the original goes instead."""
        treatment = plan.video if isinstance(plan, AdaptVideo) else plan.audio
        recipe = playing_recipe(treatment, exchange.inbound.request.headers)
        place = exchange.catalogue.settings.place
        if recipe is None or not saves_here(place, exchange.decision) or self._is_read(exchange):
            return None
        inbound, learner = exchange.inbound, exchange.who.learner
        source = source_ref(exchange, inbound.url, fetched.upstream, proven=True)
        if source is None or fetched.facts.content_coding:
            return None
        self._desk.authorised.note(learner, source.key, fetched.facts.status, exchange.now)
        self._book.saw(learner, inbound.url, source, fetched.facts.content_type, exchange.now)
        exchange.tally.kind = MediaKind.VIDEO if isinstance(plan, AdaptVideo) else MediaKind.AUDIO
        known = self._book.known(learner, inbound.url)
        if known.duration_s is not None and known.duration_s > exchange.limits.max_media_s:
            return None
        fetch = self._origin.fetcher(exchange, inbound.url)
        region = exchange.decision.region
        order = order_of(*recipe, source, region=region, media_s=known.duration_s, fetch=fetch)
        return await self._made(exchange, fetched, order)

    @staticmethod
    def _is_read(exchange: Exchange) -> bool:
        """A person who opens a film's address is shown its versions, but where the film is part of an assessment."""
        return exchange.facts.audience in _READERS and not exchange.decision.exempt

    async def _made(self, exchange: Exchange, fetched: Fetched, order: Order) -> Answer | None:
        learner = exchange.who.learner
        stored = await self._desk.ready(order.key, learner=learner)
        if stored is not None:
            return await self._stored(exchange, fetched, order, stored)
        if not exchange.body_wanted:
            return _head_alone(fetched, order)
        ticket = await self._desk.ask(order, Watcher(learner=learner, id=f"play {exchange.inbound.url}", stays=_STAYS))
        view = await playable(self._desk, ticket, within_s=exchange.limits.hold_s)
        if view.growing and view.progress >= ALL_MADE:
            view = await _finished(self._desk, ticket, within_s=exchange.limits.hold_s)
        growing = self._desk.growing(ticket.key, learner=learner) if view.growing else None
        if view.state is State.READY:
            stored = await self._desk.ready(ticket.key, learner=learner)
            if stored is not None:
                return await self._stored(exchange, fetched, order, stored)
        if view.state is State.UNCHANGED:
            return passing_answer(exchange, fetched, may_recompress=False)
        if growing is not None:
            return self._growing(exchange, fetched, order, growing)
        if view.is_open or view.state is State.FULL:
            return self._later(exchange, fetched, view)
        self._book.cannot_be(order.source, exchange.inbound.url, _version(order))
        return None

    # -- forms of the answer -------------------------------------------------------------------------------

    async def _stored(self, exchange: Exchange, fetched: Fetched, order: Order, stored: StoredMedia) -> Answer | None:
        url = exchange.inbound.url
        self._book.became_ready(order.source, url, _version(order), stored.length_bytes, name=order.key)
        # Whoever got another form holds bytes under this address that are not this file's, until she begins anew.
        spliced = not _from_its_beginning(exchange) and self._sticky.was_adapted(_mark(exchange), exchange.now)
        answer = await stored_answer(exchange, stored, stored.main_file, spliced=spliced)
        if answer is not None:
            self._sticky.note(url, exchange.now)
            if _from_its_beginning(exchange):
                self._sticky.forget(_mark(exchange))
            _put_away(fetched)
        return answer

    def _growing(self, exchange: Exchange, fetched: Fetched, order: Order, growing: Growing) -> Answer:
        """The film from its first byte, as it is made: without a length, and not to be wound forward yet."""
        _put_away(fetched)
        self._sticky.note(exchange.inbound.url, exchange.now)
        self._sticky.note(_mark(exchange), exchange.now)
        return growing_answer(exchange, order, growing)

    def _later(self, exchange: Exchange, fetched: Fetched, view: JobView) -> Answer | None:
        if exchange.decision.exempt:
            self._sticky.note(_mark(exchange), exchange.now)
            return None
        _put_away(fetched)
        exchange.tally.treatment, exchange.tally.direct_bytes = "media", None
        wait_s = round(view.ready_in_s) if view.ready_in_s is not None else _SOONEST_RETRY_S * 3
        retry_s = min(max(wait_s, _SOONEST_RETRY_S), _LATEST_RETRY_S)
        return plain_answer(503, b"", "text/plain", Retry_After=str(retry_s))


async def playable(desk: Desk, ticket: Ticket, *, within_s: float) -> JobView:
    """How it stands once it can be had, or played while it grows, or can't be had; or when the time is over."""
    view = ticket.view
    if not view.is_open or view.growing:
        return view
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            async for view in desk.watch(ticket.key):
                if not view.is_open or view.growing:
                    break
    return view


async def _finished(desk: Desk, ticket: Ticket, *, within_s: float) -> JobView:
    """How it stands once it is over, or when the time is: all of it is made, and with its index it can be wound."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await desk.outcome(ticket.key)
    return await desk.view(ticket.key) or ticket.view


async def stored_answer(
    exchange: Exchange, stored: StoredMedia, file: StoredFile, *, spliced: bool = False, download_as: str = ""
) -> Answer | None:
    """One file of what was made, counted against its share of the source. None: it was just evicted."""
    answer = await file_answer(
        file.path,
        exchange.inbound.request.headers,
        content_type=content_type_of(file.name, stored),
        etag=file.etag,
        head_only=not exchange.body_wanted,
        spliced=spliced,
    )
    if answer is None:
        return None
    if download_as:
        answer.headers["Content-Disposition"] = download_as
    tally = exchange.tally
    tally.treatment = "media"
    sent = int(answer.headers.get("Content-Length", "0"))
    tally.direct_bytes = round(stored.source_bytes * sent / max(stored.length_bytes, 1))
    return answer


_TYPES = {
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "png": "image/png",
    "vtt": "text/vtt; charset=utf-8",
    "json": "application/json",
    "webm": "audio/webm",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "ts": "video/mp2t",
    "m3u8": "application/vnd.apple.mpegurl",
}


def content_type_of(name: str, stored: StoredMedia) -> str:
    """The type of one file of what was made; the main one's is its recipe's word."""
    if name == stored.main:
        return stored.content_type
    return _TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def growing_answer(exchange: Exchange, order: Order, growing: Growing) -> Answer:
    """What is being made, from its first byte on: without a length, so that no player winds it."""
    exchange.tally.treatment = "media"
    headers = CIMultiDict({"Content-Type": growing.content_type, "Cache-Control": "no-store"})
    headers["X-Content-Type-Options"] = "nosniff"
    body = _growing_body(growing, order, exchange.inbound.host, exchange.tally)
    return Answer(status=200, headers=headers, body=body if exchange.body_wanted else None)


async def _growing_body(growing: Growing, order: Order, host: str, tally: Tally) -> AsyncIterator[bytes]:
    """The bytes of what is being made, as they come; who leaves early is counted for as far as she came.

    Raises ExchangeError where the making breaks off.
    """
    sent_bytes, source_bytes, whole_bytes = 0, order.source.length_bytes, _likely_bytes(order)
    try:
        async for chunk in growing.read_from(0):
            sent_bytes += len(chunk)
            share = min(1.0, sent_bytes / whole_bytes) if whole_bytes and source_bytes else 0.0
            tally.direct_bytes = max(sent_bytes, round(share * (source_bytes or 0)))
            yield chunk
    except (GrowingBroken, OSError) as error:
        raise upstream_truncated(f"{host}: what was being made broke off: {error}") from error
    tally.direct_bytes = max(sent_bytes, source_bytes or 0)


def _likely_bytes(order: Order) -> int | None:
    """About how much it will be; None where nobody knows how long it lasts."""
    match order.spec:
        case CappedSpec(video_bitrate_bps=video_bps, sound_bitrate_bps=sound_bps) if order.media_s:
            return round((video_bps + sound_bps) * order.media_s / 8)
        case SoundSpec(bitrate_bps=sound_bps) if order.media_s:
            return round(sound_bps * order.media_s / 8)
        case _:
            return None


def _mark(exchange: Exchange) -> str:
    """Under which is noted that this learner has bytes of another form of this film."""
    return f"{exchange.who.learner} {exchange.inbound.url}"


def _from_its_beginning(exchange: Exchange) -> bool:
    return exchange.inbound.request.headers.get("Range", "bytes=0-").replace(" ", "").startswith("bytes=0-")


def _version(order: Order) -> str:
    return SOUND if order.recipe.value == "audio" else order.recipe.value


def _head_alone(fetched: Fetched, order: Order) -> Answer:
    """HEAD for what isn't made yet: nothing is begun for it, and nothing is known but the type."""
    _put_away(fetched)
    of_sound = order.recipe is Recipe.AUDIO
    headers = CIMultiDict({"Content-Type": "audio/webm" if of_sound else "video/mp4", "Cache-Control": "no-store"})
    return Answer(status=200, headers=headers)


def _put_away(fetched: Fetched) -> None:
    """What the origin began to send isn't needed."""
    if not fetched.upstream.at_end:
        fetched.upstream.abort()
