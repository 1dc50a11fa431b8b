"""CompressText: static scripts and styles, coded live the first time and at the best level from then on.

Laws: the first learner never waits for the best coding; what is only coded differently keeps the origin's freshness (an
immutable revision stays where the learner has it); style sheets that lose their web fonts are adapted responses; a
body beyond the limit, or in a coding we don't know, passes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from multidict import CIMultiDict

from policies.decision import CompressText
from policies.treatments import Action
from policies.values import MediaKind
from proxy.cache.sources import Source, SourceBook
from proxy.cache.variant_keys import source_digest, variant_key
from proxy.cache.variant_values import Variant
from proxy.cache.variants import VariantStore
from proxy.deliver.answer import Answer
from proxy.deliver.codings import Coder, best_encoder, compress, live_encoder
from proxy.deliver.heads import adapted, add_vary
from proxy.deliver.validators import Conditions, adapted_etag, fingerprint, origin_validator
from proxy.exchange import Replaced, Unchanged
from proxy.stages.context import Exchange, Fetched
from proxy.stages.decoding import OriginDecoder
from proxy.stages.known import Known
from proxy.stages.passing import passing_answer
from proxy.tasks import TaskKeeper
from proxy.transforms.css import drop_font_faces

logger = logging.getLogger("tropa.texts")

TEXT_VERSION = 1
MAX_TEXT_BYTES = 8 * 1024 * 1024
_WORTH_BYTES = 860
_FONTLESS_WAY = fingerprint("css", "fontless", str(TEXT_VERSION))


class TextStage:
    """Static texts. One best coding is made at a time, in a thread."""

    def __init__(self, store: VariantStore, sources: SourceBook, keeper: TaskKeeper) -> None:
        self._store = store
        self._sources = sources
        self._keeper = keeper
        self._making: set[str] = set()
        self._under_way = 0
        self._turn = asyncio.Semaphore(1)

    @property
    def making(self) -> int:
        """Best codings under way or waiting their turn."""
        return self._under_way

    # -- before a byte is fetched --------------------------------------------------------------------------

    async def known(self, exchange: Exchange) -> Known | None:
        """A stored coding of this address's last content, if there is one."""
        facts, decision = exchange.facts, exchange.decision
        if facts.method != "GET" or facts.kind not in (MediaKind.SCRIPT, MediaKind.STYLE):
            return None
        fontless = self._fontless(exchange, facts.kind)
        if decision.bypassed or decision.observe or not exchange.codings:
            return None
        way = _FONTLESS_WAY if fontless else ""
        source = self._sources.find(decision.origin, exchange.inbound.url, exchange.who.learner)
        if source is None:
            return Known(way=way) if fontless else None
        variant = await self._store.find(text_key(source.sha256, exchange.codings[0], fontless=fontless))
        usable = variant is not None and isinstance(variant.outcome, Replaced)
        return Known(way=way, source=source, variant=variant if usable else None)

    async def confirmed(self, exchange: Exchange, fetched: Fetched, known: Known, client: Conditions) -> Answer | None:
        """The origin said 304: the stored coding goes out. None: its bytes are gone."""
        assert known.variant is not None and known.source is not None
        return await self._stored(exchange, fetched, known.variant, known.source.etag)

    # -- after it ------------------------------------------------------------------------------------------

    async def answer(self, exchange: Exchange, fetched: Fetched, plan: CompressText) -> Answer:
        """The text, coded for the way."""
        fontless = self._fontless(exchange, plan.kind)
        coding = exchange.codings[0] if exchange.codings else ""
        facts = fetched.facts
        if facts.status != 200 or (not coding and not fontless) or not self._worth(fetched):
            return passing_answer(exchange, fetched, may_recompress=True)
        exchange.tally.treatment, exchange.tally.kind = "text", plan.kind
        stored = await self._by_validator(exchange, fetched, coding, fontless=fontless)
        if stored is not None:
            return stored
        if not exchange.body_wanted:
            self._recoded_head(fetched.headers, coding)
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers)
        if fontless:
            return await self._fontless_answer(exchange, fetched, coding)
        self._recoded_head(fetched.headers, coding)
        body = self._live(exchange, fetched, coding)
        return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=body)

    async def _by_validator(
        self, exchange: Exchange, fetched: Fetched, coding: str, *, fontless: bool
    ) -> Answer | None:
        """The stored coding of this very content, before its body is read."""
        etag = fetched.headers.get("ETag", "").removeprefix("W/")
        source = self._sources.find(exchange.decision.origin, exchange.inbound.url, exchange.who.learner)
        if source is None or not etag or source.etag != etag:
            return None
        variant = await self._store.find(text_key(source.sha256, coding, fontless=fontless))
        if variant is None or not isinstance(variant.outcome, Replaced):
            return None
        return await self._stored(exchange, fetched, variant, etag)

    @staticmethod
    def _fontless(exchange: Exchange, kind: MediaKind) -> bool:
        treatments = exchange.decision.treatments
        drops = treatments.font is Action.DROP or "fonts" in treatments.page.diet
        return kind is MediaKind.STYLE and drops

    @staticmethod
    def _worth(fetched: Fetched) -> bool:
        length = len(fetched.prefix) if fetched.complete else fetched.facts.length_bytes
        return length is None or _WORTH_BYTES <= length <= MAX_TEXT_BYTES

    @staticmethod
    def _recoded_head(headers: CIMultiDict[str], coding: str) -> None:
        etag = headers.get("ETag", "")
        if etag and not etag.startswith("W/"):
            headers["ETag"] = "W/" + etag
        for name in ("Content-Length", "Accept-Ranges", "Content-MD5", "Digest", "Content-Digest"):
            headers.popall(name, None)
        headers["Content-Encoding"] = coding
        add_vary(headers, ("Accept-Encoding",))

    async def _live(self, exchange: Exchange, fetched: Fetched, coding: str) -> AsyncIterator[bytes]:
        """Decode, code at the live level, and keep the plain text for the best level."""
        tally, facts = exchange.tally, fetched.facts
        same = facts.content_coding == coding
        decoder = OriginDecoder(facts.content_coding, max_bytes=MAX_TEXT_BYTES * 4)
        encoder: Coder = live_encoder("" if same else coding)
        plain: list[bytes] = []
        size = 0
        async for chunk in fetched.chunks(tally):
            text = decoder.feed(chunk)
            size += len(text)
            if size <= MAX_TEXT_BYTES:
                plain.append(text)
            if coded := (chunk if same else encoder.feed(text)):
                yield coded
        decoder.finish()
        tally.direct_bytes = tally.from_origin_bytes
        if size <= MAX_TEXT_BYTES:
            self._improve_later(exchange, fetched, b"".join(plain), coding, fontless=False)
        if tail := encoder.finish():
            yield tail

    async def _fontless_answer(self, exchange: Exchange, fetched: Fetched, coding: str) -> Answer:
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=MAX_TEXT_BYTES)
        if not isinstance(source, bytes):
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)
        decoder = OriginDecoder(fetched.facts.content_coding, max_bytes=MAX_TEXT_BYTES * 4)
        text = decoder.feed(source)
        decoder.finish()
        exchange.tally.direct_bytes = len(source)
        self._improve_later(exchange, fetched, text, coding, fontless=True)
        body = await asyncio.to_thread(lambda: compress(drop_font_faces(text), live_encoder(coding)))
        return self._adapted(exchange, fetched, body, coding, fetched.headers.get("ETag", ""))

    def _adapted(self, exchange: Exchange, fetched: Fetched, body: bytes, coding: str, etag: str) -> Answer:
        validator = origin_validator(CIMultiDict({"ETag": etag}) if etag else fetched.headers)
        headers = adapted(
            fetched.headers,
            content_type=None,
            etag=adapted_etag(validator, _FONTLESS_WAY),
            now=exchange.now,
            valid_until=exchange.decision.valid_until,
        )
        if coding:
            headers["Content-Encoding"] = coding
        headers["Content-Length"] = str(len(body))
        return Answer(status=200, headers=headers, body=body if exchange.body_wanted else None)

    # -- the best level ------------------------------------------------------------------------------------

    async def _stored(self, exchange: Exchange, fetched: Fetched, variant: Variant, etag: str) -> Answer | None:
        body = await self._store.read(variant)
        outcome = variant.outcome
        if body is None or not isinstance(outcome, Replaced):
            return None
        notes = dict(outcome.notes)
        tally = exchange.tally
        tally.treatment, tally.kind = "text", exchange.facts.kind or MediaKind.OTHER
        tally.direct_bytes = int(notes.get("origin_bytes", len(body)))
        coding = str(notes.get("coding", ""))
        fetched.headers["Content-Type"] = outcome.content_type
        if notes.get("fontless"):
            return self._adapted(exchange, fetched, body, coding, etag)
        fetched.headers["ETag"] = etag
        self._recoded_head(fetched.headers, coding)
        fetched.headers["Content-Length"] = str(len(body))
        return Answer(status=200, headers=fetched.headers, body=body if exchange.body_wanted else None)

    def _improve_later(self, exchange: Exchange, fetched: Fetched, text: bytes, coding: str, *, fontless: bool) -> None:
        """Make the best coding in the background, once, and remember whose content it is."""
        etag = fetched.upstream.headers.get("ETag", "").removeprefix("W/")
        if not etag or not coding:
            return
        self._under_way += 1
        self._keeper.start(self._improve(exchange, fetched, text, coding, etag, fontless=fontless), name="best coding")

    async def _improve(
        self, exchange: Exchange, fetched: Fetched, text: bytes, coding: str, etag: str, *, fontless: bool
    ) -> None:
        try:
            await self._made_best(exchange, fetched, text, coding, etag, fontless=fontless)
        finally:
            self._under_way -= 1

    async def _made_best(
        self, exchange: Exchange, fetched: Fetched, text: bytes, coding: str, etag: str, *, fontless: bool
    ) -> None:
        digest = await asyncio.to_thread(source_digest, text)
        key = text_key(digest, coding, fontless=fontless)
        origin_bytes = exchange.tally.from_origin_bytes
        source = Source(etag=etag, sha256=digest, length_bytes=origin_bytes)
        private = fetched.facts.private
        self._sources.remember(
            exchange.decision.origin, exchange.inbound.url, exchange.who.learner, source, private=private
        )
        if key in self._making or await self._store.find(key) is not None:
            return
        self._making.add(key)
        try:
            async with self._turn:
                body = await asyncio.to_thread(_best, text, coding, fontless)
            notes = (("coding", coding), ("fontless", int(fontless)), ("origin_bytes", origin_bytes))
            content_type = fetched.upstream.headers.get("Content-Type", "application/octet-stream")
            outcome: Replaced | Unchanged = Replaced(
                body=body, content_type=content_type, length_bytes=len(body), notes=notes
            )
            if len(body) >= origin_bytes and not fontless:
                outcome = Unchanged(why="the origin's own coding is as small")
            await self._store.put(key, outcome, private=private, learner=exchange.who.learner)
        finally:
            self._making.discard(key)


def text_key(digest: str, coding: str, *, fontless: bool) -> str:
    """The variant key of a text at its best coding."""
    return variant_key(digest, f"text:{coding}:{'fontless' if fontless else 'whole'}", TEXT_VERSION)


def _best(text: bytes, coding: str, fontless: bool) -> bytes:
    return compress(drop_font_faces(text) if fontless else text, best_encoder(coding))
