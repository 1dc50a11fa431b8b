"""Static texts at their best coding: made once, in a thread, one at a time, and kept.

Laws: whoever asks for a text never waits longer than he says, and what somebody waits for goes first; one coding of one
content is made once, however many ask; what is kept is addressed by content; that an address has this content is
remembered with the origin's own validator, and the origin confirms it to each learner anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from policies.frozen import Frozen
from proxy.cache.sources import Source, SourceBook
from proxy.cache.variant_keys import variant_key
from proxy.cache.variants import VariantStore
from proxy.clock import Clock
from proxy.deliver.codings import best_encoder, compress
from proxy.exchange import Replaced, Unchanged
from proxy.tasks import TaskKeeper
from proxy.transforms.css import drop_font_faces

TEXT_VERSION = 1
MAX_WAITING_BYTES = 64 * 1024 * 1024  # of texts whose turn hasn't come: beyond it nothing more is taken
# Seconds of one core for a byte, measured on this project's scripts and styles; corrected by what each job took.
_FIRST_S_PER_BYTE = {"br": 1.2e-6, "zstd": 1.0e-6, "gzip": 0.1e-6}
_WEIGHT = 0.3


class PlainText(Frozen, frozen=True, kw_only=True):
    """A static text of an origin's, decoded.

    origin, url   the address that it was had from
    learner       whose answer it was, "" for what Tropa asked for by itself
    sha256        of the text
    etag          the origin's validator without `W/`, "" if there is none
    origin_bytes  its size as the origin sent it
    """

    origin: str
    url: str
    text: bytes
    sha256: str
    content_type: str
    etag: str
    origin_bytes: int
    learner: str = ""
    private: bool = False


class BestCodings:
    """Makes and keeps them."""

    def __init__(self, store: VariantStore, sources: SourceBook, keeper: TaskKeeper, clock: Clock) -> None:
        self._store = store
        self._sources = sources
        self._keeper = keeper
        self._clock = clock
        self._making: dict[str, asyncio.Task[bytes | None]] = {}
        self._s_per_byte = dict(_FIRST_S_PER_BYTE)
        self._waiting_bytes = 0
        self._line = _Line(clock)
        self._under_way = 0

    @property
    def making(self) -> int:
        """Codings under way or waiting their turn."""
        return self._under_way

    def estimate_s(self, plain: PlainText, coding: str, *, fontless: bool) -> float:
        """Seconds until this text would be coded if somebody waited for it from now on."""
        key = text_key(plain.sha256, coding, fontless=fontless)
        return self._line.estimate_s(key, self._expected_s(plain, coding))

    def _expected_s(self, plain: PlainText, coding: str) -> float:
        return len(plain.text) * self._s_per_byte.get(coding, 0.0)

    def start(self, plain: PlainText, coding: str, *, fontless: bool) -> None:
        """Make it in the background, once, and remember whose content it is."""
        if plain.etag and coding:
            self._begin(plain, coding, fontless)

    async def within(self, plain: PlainText, coding: str, *, fontless: bool, hold_s: float) -> bytes | None:
        """The coding, if it is there within hold_s seconds; else None, and the work goes on."""
        if not plain.etag or not coding:
            return None
        task = self._begin(plain, coding, fontless)
        if task is None:
            return None
        self._line.hurry(text_key(plain.sha256, coding, fontless=fontless))
        await asyncio.wait((task,), timeout=hold_s)
        return task.result() if task.done() and not task.cancelled() and task.exception() is None else None

    def _begin(self, plain: PlainText, coding: str, fontless: bool) -> asyncio.Task[bytes | None] | None:
        if self._waiting_bytes + len(plain.text) > MAX_WAITING_BYTES:
            return None
        self._under_way += 1
        self._waiting_bytes += len(plain.text)
        return self._keeper.start(self._had(plain, coding, fontless), name="best coding")

    async def _had(self, plain: PlainText, coding: str, fontless: bool) -> bytes | None:
        key = text_key(plain.sha256, coding, fontless=fontless)
        try:
            source = Source(etag=plain.etag, sha256=plain.sha256, length_bytes=plain.origin_bytes)
            self._sources.remember(plain.origin, plain.url, plain.learner, source, private=plain.private)
            known = await self._store.find(key)
            if known is not None:
                return await self._store.read(known)
            task = self._making.get(key)
            if task is None:
                work = self._made(key, plain, coding, fontless)
                task = self._making[key] = self._keeper.start(work, name="coding")
            return await asyncio.shield(task)
        finally:
            self._line.calm(key)
            self._under_way -= 1
            self._waiting_bytes -= len(plain.text)

    async def _made(self, key: str, plain: PlainText, coding: str, fontless: bool) -> bytes | None:
        try:
            async with self._line.turn(key, self._expected_s(plain, coding)):
                began_s = self._clock.steady_s()
                body = await asyncio.to_thread(_best, plain.text, coding, fontless)
                self._observe(coding, len(plain.text), self._clock.steady_s() - began_s)
            notes = (("coding", coding), ("fontless", int(fontless)), ("origin_bytes", plain.origin_bytes))
            outcome: Replaced | Unchanged = Replaced(
                body=body, content_type=plain.content_type, length_bytes=len(body), notes=notes
            )
            if len(body) >= plain.origin_bytes and not fontless:
                outcome = Unchanged(why="the origin's own coding is as small")
            await self._store.put(key, outcome, private=plain.private, learner=plain.learner)
            return body if isinstance(outcome, Replaced) else None
        finally:
            self._making.pop(key, None)

    def _observe(self, coding: str, nbytes: int, took_s: float) -> None:
        if nbytes >= 50_000 and coding in self._s_per_byte:
            before = self._s_per_byte[coding]
            self._s_per_byte[coding] = before + _WEIGHT * (took_s / nbytes - before)


class _Line:
    """One at a time; in the order of asking, but what somebody waits for before what nobody does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now: tuple[str, float] | None = None  # whose turn it is, and when it should be over
        self._waiting: dict[str, tuple[float, asyncio.Future[None]]] = {}
        self._hurried: dict[str, None] = {}

    def hurry(self, key: str) -> None:
        """Somebody waits for it."""
        self._hurried[key] = None

    def calm(self, key: str) -> None:
        """Nobody waits for it any more."""
        self._hurried.pop(key, None)

    @asynccontextmanager
    async def turn(self, key: str, expected_s: float) -> AsyncIterator[None]:
        """Wait for the turn of this work, which should take so long, and hold it."""
        if self._now is not None:
            go = asyncio.get_running_loop().create_future()
            self._waiting[key] = expected_s, go
            try:
                await go
            except asyncio.CancelledError:
                if self._waiting.pop(key, None) is None:
                    self._next()  # it had been given the turn already
                raise
        self._now = key, self._clock.steady_s() + expected_s
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        self._now = None
        while self._waiting:
            key = next((key for key in self._hurried if key in self._waiting), next(iter(self._waiting)))
            expected_s, go = self._waiting.pop(key)
            if not go.done():  # whoever waited may have left
                self._now = key, self._clock.steady_s() + expected_s
                go.set_result(None)
                return

    def estimate_s(self, key: str, expected_s: float) -> float:
        """Seconds until this work would be done if it were hurried now."""
        if self._now is None:
            return expected_s
        left_s = max(0.0, self._now[1] - self._clock.steady_s())
        if self._now[0] == key:
            return left_s
        for hurried in self._hurried:
            if hurried == key:
                break
            if hurried in self._waiting:
                left_s += self._waiting[hurried][0]
        return left_s + expected_s


def text_key(digest: str, coding: str, *, fontless: bool) -> str:
    """The variant key of a text at its best coding."""
    return variant_key(digest, f"text:{coding}:{'fontless' if fontless else 'whole'}", TEXT_VERSION)


def _best(text: bytes, coding: str, fontless: bool) -> bytes:
    return compress(drop_font_faces(text) if fontless else text, best_encoder(coding))
