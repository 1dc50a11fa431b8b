"""Forms on their way to the origin: one ordinary POST each, from the disk, in a task that outlives the learner's link.

Laws of this file: the head is the learner's own request's; the body is the form that her browser made; that it is being
sent is on the disk before the origin hears of it; a form whose answer is lost is in doubt unless the origin can't have
had all of it; nothing of an upload is in memory but the piece that is being written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from policies.values import CostlyHop
from proxy.account.account import Accountant
from proxy.clock import Clock
from proxy.deliver.answer import Tally
from proxy.deliver.send import Sent
from proxy.errors import ExchangeError
from proxy.media.bell import Bell
from proxy.obtain import Obtainer
from proxy.receipts import receipt_of
from proxy.stages.context import Exchange
from proxy.tasks import TaskKeeper
from proxy.uploads.answers import Answers, taken
from proxy.uploads.desk import UploadDesk
from proxy.uploads.entry import Entry
from proxy.uploads.form import SentForm, Span
from proxy.uploads.states import Event, State, answered
from proxy.upstream.reply import OriginReply

logger = logging.getLogger("tropa.uploads")

_PIECE_BYTES = 65_536


@dataclass(slots=True)
class _Way:
    """How far a form came. all_out: its last byte was handed to the connection, so the origin may have it."""

    task: asyncio.Task[None] | None = None
    sent_bytes: int = 0
    all_out: bool = False


class UploadSender:
    """Sends what the desk holds."""

    def __init__(
        self, desk: UploadDesk, obtainer: Obtainer, accountant: Accountant, clock: Clock, keeper: TaskKeeper
    ) -> None:
        self._desk = desk
        self._obtainer = obtainer
        self._accountant = accountant
        self._clock = clock
        self._keeper = keeper
        self._ways: dict[str, _Way] = {}
        self._bell = Bell()
        self.answers = Answers()
        desk.on_drop = self._dropped

    async def begin(self, exchange: Exchange, entry: Entry, form: SentForm, changes: Mapping[str, str | None]) -> Entry:
        """Send it. changes: as `Obtainer.hand_over` takes them. Raises ExchangeError where it can't begin."""
        moved = await self._desk.move(entry.id, Event.SENT)
        self.answers.drop(entry.id)
        way = self._ways[entry.id] = _Way()
        way.task = self._keeper.start(self._send(exchange, moved, form, changes, way), name="form")
        return moved

    def sent_bytes(self, upload_id: str) -> int:
        """How much of the form is on its way or there."""
        way = self._ways.get(upload_id)
        return way.sent_bytes if way is not None else 0

    async def settled(self, upload_id: str, within_s: float) -> None:
        """Until it isn't on its way any more, or for so long."""
        try:
            async with asyncio.timeout(within_s):
                while (entry := self._desk.get(upload_id)) is not None and entry.state is State.SENDING:
                    await self._bell.wait()
        except TimeoutError:
            return

    def _dropped(self, upload_id: str) -> None:
        """Its learner left: nothing more of it goes out, and its answer is nobody's."""
        self.answers.drop(upload_id)
        way = self._ways.pop(upload_id, None)
        if way is not None and way.task is not None:
            way.task.cancel()
        self._bell.ring()

    # -- the way ---------------------------------------------------------------------------------------------

    async def _send(
        self, exchange: Exchange, entry: Entry, form: SentForm, changes: Mapping[str, str | None], way: _Way
    ) -> None:
        started_s = self._clock.steady_s()
        reply: OriginReply | None = None
        error: str | None = None
        try:
            body = self._body(entry, form, way)
            reply = await self._obtainer.hand_over(exchange, body, form.length_bytes, changes)
            answer = await taken(reply)
            if answer is not None:
                self.answers.put(entry.id, answer)
        except (ExchangeError, OSError) as failure:
            error = failure.code if isinstance(failure, ExchangeError) else "upload-unreadable"
            logger.info("a form did not get its answer from %s: %s", exchange.inbound.host, failure)
        await self._settle(entry, reply, way)
        self._account(exchange, reply, way, error, self._clock.steady_s() - started_s)

    async def _settle(self, entry: Entry, reply: OriginReply | None, way: _Way) -> None:
        self._ways.pop(entry.id, None)
        unanswered = Event.LOST if way.all_out else Event.NOT_SENT
        event = unanswered if reply is None else answered(reply.status)
        try:
            await self._desk.move(entry.id, event, status=reply.status if reply is not None else 0)
        except ExchangeError as gone:  # her logout was quicker
            logger.debug("an upload went while it was sent: %s", gone)
            self.answers.drop(entry.id)
        self._bell.ring()

    async def _body(self, entry: Entry, form: SentForm, way: _Way) -> AsyncIterator[bytes]:
        left = form.length_bytes
        for part in form.parts:
            async for piece in self._pieces(entry, part):
                left -= len(piece)
                way.all_out = left <= 0
                yield piece
                way.sent_bytes += len(piece)

    async def _pieces(self, entry: Entry, part: bytes | Span) -> AsyncIterator[bytes]:
        if isinstance(part, Span):
            async for piece in self._desk.bytes_of(entry.id, part.start, part.end):
                yield piece
            return
        for start in range(0, len(part), _PIECE_BYTES):
            yield part[start : start + _PIECE_BYTES]

    def _account(
        self, exchange: Exchange, reply: OriginReply | None, way: _Way, error: str | None, duration_s: float
    ) -> None:
        """Its bytes cost where they cross the dear hop: here where that is the site's uplink, else when they came."""
        uplink = exchange.decision.costly_hop is CostlyHop.SITE_UPLINK
        tally = Tally(treatment="upload", direct_bytes=0, up_bytes=way.sent_bytes if uplink else 0, error=error)
        status = reply.status if reply is not None else 502
        sent = Sent(response=web.Response(status=status), to_learner_bytes=0, complete=True)
        receipt = receipt_of(replace(exchange, tally=tally), sent, duration_s)
        self._accountant.settle(receipt, exchange.who, exchange.decision)
