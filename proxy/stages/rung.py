"""The rung below the lowest: segments of a ladder in which nothing fits, made smaller on their way.

Laws: whether a rung can be made is known before its manifest tells of it (a list that is encrypted, lies elsewhere or
can't be read is none); a segment of MPEG-TS that can't be made in time passes as it is, since a lecture that goes on is
worth more; a fragment of MP4 can't pass, since its player has the head of the made ones: the player is told to come
again. Who gets a piece was given its source by the origin in this very exchange; heads are asked for in the learner's
own name.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable
from typing import Protocol
from urllib.parse import urljoin

from policies.values import MediaKind, Reason
from proxy.deliver.answer import Answer, Body
from proxy.deliver.heads import adapted
from proxy.deliver.send import plain_answer
from proxy.stages.context import Exchange, Fetched
from proxy.stages.media_origin import is_same_site
from proxy.stages.rung_book import MadeRung, RungBook
from proxy.stages.rung_pieces import PASSING_REASONS, Piece, PieceMaker
from proxy.transforms.ladder.dash_made import MadeManifest, made_manifest
from proxy.transforms.ladder.hls_made import ListedSegment, MadeMaster, listed_segments, made_master
from proxy.transforms.ladder.limits import MAX_MANIFEST_BYTES
from proxy.transforms.ladder.made import NotMade, Place
from proxy.transforms.media.spec import CappedSpec

logger = logging.getLogger("tropa.ladders")

NOT_MADE = "ladder-rung-not-made"
_AGAIN_S = "2"
_MAX_SEGMENT_BYTES = 16 << 20
_MAX_HEAD_BYTES, _MOST_HEADS = 256 << 10, 500
_FIRST_BYTE = re.compile(r"bytes=(\d{1,18})-")
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class AskPiece(Protocol):
    """A piece of a file in this learner's own name; None: the origin doesn't give it, or it is longer."""

    def __call__(
        self, exchange: Exchange, url: str, *, max_bytes: int, first: int = 0, last: int | None = None
    ) -> Awaitable[bytes | None]: ...


class RungMaker:
    """Knows which pieces are to be made, and answers with them."""

    def __init__(self, maker: PieceMaker, ask: AskPiece) -> None:
        self._maker = maker
        self._ask = ask
        self._book = RungBook()
        self._heads: OrderedDict[tuple[str, Place], bytes] = OrderedDict()

    async def start(self) -> None:
        """Throw away what was half made."""
        await self._maker.start()

    def forget(self, learner: str) -> None:
        """Nothing of what this learner was sent is remembered."""
        self._book.forget(learner)
        for key in [key for key in self._heads if key[0] == learner]:
            del self._heads[key]

    # -- what manifests say ------------------------------------------------------------------------------------

    async def told_master(self, exchange: Exchange, body: bytes, capped: CappedSpec) -> bytes | NotMade:
        """A multivariant playlist of HLS as it is with its rungs made; its lists are asked for by and by."""
        made = made_master(body, capped, query=exchange.inbound.query)
        if isinstance(made, NotMade):
            return made
        lists = [(_joined(exchange.inbound.url, uri), spec) for uri, spec in made.rungs]
        if not lists or not all(is_same_site(exchange, url) for url, _ in lists):
            return NotMade(why="elsewhere")
        text = await self._ask(exchange, lists[0][0], max_bytes=MAX_MANIFEST_BYTES)
        segments = NotMade(why="unreadable") if text is None else _segments(exchange, text, lists[0][0])
        if isinstance(segments, NotMade):
            return segments
        for url, spec in lists:
            self._book.note_list(exchange.who.learner, url, spec)
        return made.body

    async def told_manifest(self, exchange: Exchange, body: bytes, capped: CappedSpec) -> bytes | NotMade:
        """A manifest of DASH as it is with its rungs made."""
        url = exchange.inbound.url
        made = await asyncio.to_thread(made_manifest, body, capped, url)
        if isinstance(made, NotMade):
            return made
        named = {rung.head.url for rung in made.rungs} | {segment for rung in made.rungs for segment, _ in rung.listed}
        if not all(is_same_site(exchange, one) for one in named):
            return NotMade(why="elsewhere")
        self._book.learn_manifest(exchange.who.learner, url, made.rungs)
        return made.body

    def told_list(self, exchange: Exchange, text: bytes) -> NotMade | None:
        """The list of a rung that is made goes out: its segments are to be made."""
        learner, url = exchange.who.learner, exchange.inbound.url
        spec = self._book.spec_of_list(learner, url)
        if spec is None:
            return None
        segments = _segments(exchange, text, url)
        if isinstance(segments, NotMade):
            self._book.end(learner, url)
            return segments
        self._book.learn_list(learner, url, spec, segments)
        return None

    def end(self, exchange: Exchange) -> None:
        """This list or manifest goes out with nothing made."""
        self._book.end(exchange.who.learner, exchange.inbound.url)

    # -- after a restart ---------------------------------------------------------------------------------------

    def again(self, learner: str, url: str, made: MadeMaster | MadeManifest | tuple[ListedSegment, ...]) -> None:
        """What was told in the last process; lists after the playlist that named them."""
        match made:
            case MadeMaster():
                for uri, spec in made.rungs:
                    self._book.note_list(learner, _joined(url, uri), spec)
            case MadeManifest():
                self._book.learn_manifest(learner, url, made.rungs)
            case _:
                of_list = self._book.spec_of_list(learner, url)
                if of_list is not None:
                    self._book.learn_list(learner, url, of_list, made)

    # -- pieces ------------------------------------------------------------------------------------------------

    async def answer(self, exchange: Exchange, fetched: Fetched) -> Answer | None:
        """The segment or head, made. None: this is none of those, and nothing was read of it."""
        if not exchange.body_wanted or fetched.facts.status not in (200, 206) or fetched.facts.content_coding:
            return None
        found = self._found(exchange, fetched)
        if found is None:
            return None
        rung, piece, at = found
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=_MAX_SEGMENT_BYTES)
        exchange.tally.kind = MediaKind.VIDEO
        made: bytes | NotMade = NotMade(why="too-large")
        if isinstance(source, bytes):
            exchange.tally.direct_bytes = len(source)
            fetched.headers["Content-Length"] = str(len(source))
            made = await self._piece(exchange, fetched, rung, piece, source)
        if isinstance(made, bytes):
            return _made_answer(exchange, fetched, made, at)
        tell_not_made(exchange, made)
        if rung.head is not None and (piece is Piece.SEGMENT or made.why in PASSING_REASONS):
            return plain_answer(503, b"", "text/plain", Retry_After=_AGAIN_S)
        rung.over = rung.over or piece is Piece.HEAD
        return _as_it_is(fetched, source)

    def _found(self, exchange: Exchange, fetched: Fetched) -> tuple[MadeRung, Piece, int | None] | None:
        """The rung, what of it this is, and the first byte of the range it is; None: the whole file."""
        learner, url = exchange.who.learner, exchange.inbound.url
        if fetched.facts.status == 200:
            found = self._book.find(learner, url, None)
            return (*found, None) if found is not None else None
        told = _FIRST_BYTE.match(exchange.inbound.request.headers.get("Range", ""))
        first = int(told[1]) if told else 0
        found = self._book.find(learner, url, first)
        if found is None and _is_whole(fetched):
            found = self._book.find(learner, url, None)
        return (*found, first) if found is not None else None

    async def _piece(
        self, exchange: Exchange, fetched: Fetched, rung: MadeRung, piece: Piece, source: bytes
    ) -> bytes | NotMade:
        head: bytes | None = b""
        if piece is Piece.HEAD:
            if rung.head is not None:
                self._keep_head(exchange, rung.head, source)
        elif rung.head is not None:
            head = await self._head(exchange, rung.head)
        if head is None:
            return NotMade(why="no-head")
        private, learner, host = fetched.facts.private, exchange.who.learner, exchange.inbound.host
        return await self._maker.made(piece, rung.spec, source, head, private=private, learner=learner, host=host)

    async def _head(self, exchange: Exchange, at: Place) -> bytes | None:
        """The source's own head: as it came through here, else asked for."""
        known = self._heads.get((exchange.who.learner, at))
        if known is not None:
            return known
        asked = await self._ask(exchange, at.url, first=at.first, last=at.last, max_bytes=_MAX_HEAD_BYTES)
        if asked is not None:
            self._keep_head(exchange, at, asked)
        return asked

    def _keep_head(self, exchange: Exchange, at: Place, head: bytes) -> None:
        if len(head) <= _MAX_HEAD_BYTES:
            self._heads[(exchange.who.learner, at)] = head
            if len(self._heads) > _MOST_HEADS:
                self._heads.popitem(last=False)


def _segments(exchange: Exchange, text: bytes, url: str) -> tuple[ListedSegment, ...] | NotMade:
    segments = listed_segments(text, url)
    if isinstance(segments, NotMade):
        return segments
    urls = [segment.url for segment in segments]
    urls += {segment.head.url for segment in segments if segment.head is not None}
    return segments if all(is_same_site(exchange, one) for one in urls) else NotMade(why="elsewhere")


def _made_answer(exchange: Exchange, fetched: Fetched, body: bytes, first: int | None) -> Answer:
    """first: of the range that was asked for. What stands there is shorter than was asked, as a server may answer (RFC
    9110 section 15.3.7); no store may join it with others."""
    exchange.tally.treatment = "ladder"
    told = _RANGE.fullmatch(fetched.headers.get("Content-Range", "").strip())
    valid_until = exchange.decision.valid_until
    headers = adapted(fetched.headers, content_type=None, etag=None, now=exchange.now, valid_until=valid_until)
    headers["Content-Length"] = str(len(body))
    if first is None:
        return Answer(status=200, reason=fetched.upstream.reason, headers=headers, body=body)
    headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{told[3] if told else '*'}"
    headers["Cache-Control"] = "no-store"
    return Answer(status=206, reason=fetched.upstream.reason, headers=headers, body=body)


def _as_it_is(fetched: Fetched, body: Body) -> Answer:
    return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=fetched.headers, body=body)


def tell_not_made(exchange: Exchange, made: NotMade) -> None:
    """Why nothing was made, for the receipt and for IT staff."""
    logger.info("no smaller rung of %s: %s", exchange.inbound.host, made.why)
    reasons = exchange.tally.reasons or exchange.decision.reasons
    exchange.tally.reasons = (*reasons, Reason(rule=NOT_MADE, params=(("why", made.why),)))


def _is_whole(fetched: Fetched) -> bool:
    found = _RANGE.fullmatch(fetched.headers.get("Content-Range", "").strip())
    return found is not None and found[1] == "0" and found[3].isdigit() and int(found[2]) + 1 == int(found[3])


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url
