"""CompressText: static scripts and styles, coded live the first time and at the best level from then on.

Laws: nobody waits for the best coding but on a thin link, where it comes sooner than the quick one would, and then at
most as long as an image would be held; what is only coded differently keeps the origin's freshness (an immutable
revision stays where the learner has it); style sheets that lose their web fonts are adapted responses; a body beyond
the limit, or in a coding we don't know, passes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Protocol

from multidict import CIMultiDict

from policies.decision import CompressText
from policies.treatments import Action
from policies.values import MediaKind, Place
from proxy.cache.sources import Source, SourceBook
from proxy.cache.variant_keys import source_digest
from proxy.cache.variant_values import Variant
from proxy.cache.variants import VariantStore
from proxy.deliver.answer import Answer
from proxy.deliver.codings import Coder, compress, live_encoder
from proxy.deliver.heads import adapted, add_vary
from proxy.deliver.validators import Conditions, adapted_etag, fingerprint, origin_validator
from proxy.exchange import Replaced
from proxy.order import is_thin, waits
from proxy.stages.best_codings import TEXT_VERSION, BestCodings, PlainText, text_key
from proxy.stages.context import Exchange, Fetched
from proxy.stages.decoding import OriginDecoder
from proxy.stages.known import Known
from proxy.stages.passing import passing_answer
from proxy.transforms.css import drop_font_faces
from proxy.transforms.hold import hold_s

logger = logging.getLogger("tropa.texts")

MAX_TEXT_BYTES = 8 * 1024 * 1024
_WORTH_BYTES = 860
_EXPECTED_RATIO = 0.8  # the best coding's bytes over those of a quick one, measured on an LMS's scripts and styles
_FONTLESS_WAY = fingerprint("css", "fontless", str(TEXT_VERSION))
Sent = Callable[[Exchange, str], None]


class _Best(Protocol):
    async def __call__(self, *, hold_s: float) -> bytes | None: ...


def shell_address(host: str, target: str) -> str:
    """Under what a text is remembered that Tropa had by itself, whatever scheme and port the learner comes by."""
    return f"shell://{host}{target}"


class TextStage:
    """Static texts. sheet_sent: told of every style sheet that goes out whole, with the origin's validator."""

    def __init__(
        self,
        store: VariantStore,
        sources: SourceBook,
        best: BestCodings,
        sheet_sent: Sent = lambda exchange, etag: None,
    ) -> None:
        self._store = store
        self._sources = sources
        self._best = best
        self._sheet_sent = sheet_sent

    @property
    def making(self) -> int:
        """Best codings under way or waiting their turn."""
        return self._best.making

    def learn(self, plain: PlainText, kind: MediaKind, codings: tuple[str, ...]) -> None:
        """Make the best codings of a text before anybody asks for it."""
        for coding in codings:
            if kind is MediaKind.STYLE:
                self._best.start(plain, coding, fontless=True)
            self._best.start(plain, coding, fontless=False)

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
        source = self._source(exchange)
        if source is None:
            return Known(way=way) if fontless else None
        variant = await self._store.find(text_key(source.sha256, exchange.codings[0], fontless=fontless))
        usable = variant is not None and isinstance(variant.outcome, Replaced)
        return Known(way=way, source=source, variant=variant if usable else None)

    async def confirmed(self, exchange: Exchange, fetched: Fetched, known: Known, client: Conditions) -> Answer | None:
        """The origin said 304: the stored coding goes out. None: its bytes are gone."""
        assert known.variant is not None and known.source is not None
        return await self._stored(exchange, fetched, known.variant, known.source.etag)

    def _source(self, exchange: Exchange) -> Source | None:
        """The content this address had when it was last seen, by her, by anybody, or by Tropa itself."""
        origin, inbound = exchange.decision.origin, exchange.inbound
        found = self._sources.find(origin, inbound.url, exchange.who.learner)
        return found or self._sources.find(origin, shell_address(inbound.host, inbound.target), "")

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
        self._note_sent(exchange, fetched)
        if fontless or self._may_hold(exchange):
            return await self._whole_answer(exchange, fetched, coding, fontless=fontless)
        self._recoded_head(fetched.headers, coding)
        body = self._live(exchange, fetched, coding)
        return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=body)

    async def _by_validator(
        self, exchange: Exchange, fetched: Fetched, coding: str, *, fontless: bool
    ) -> Answer | None:
        """The stored coding of this very content, before its body is read."""
        etag = fetched.headers.get("ETag", "").removeprefix("W/")
        source = self._source(exchange)
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
            self._best.start(await self._plain(exchange, fetched, b"".join(plain)), coding, fontless=False)
        if tail := encoder.finish():
            yield tail

    @staticmethod
    def _may_hold(exchange: Exchange) -> bool:
        """Only where reading the whole from the origin costs next to nothing beside the learner's link."""
        return is_thin(exchange) and exchange.catalogue.settings.place is not Place.SCHOOL

    async def _whole_answer(self, exchange: Exchange, fetched: Fetched, coding: str, *, fontless: bool) -> Answer:
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=MAX_TEXT_BYTES)
        if not isinstance(source, bytes):
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)
        decoder = OriginDecoder(fetched.facts.content_coding, max_bytes=MAX_TEXT_BYTES * 4)
        text = decoder.feed(source)
        decoder.finish()
        exchange.tally.direct_bytes = len(source)
        plain = await self._plain(exchange, fetched, text)
        best = partial(self._best.within, plain, coding, fontless=fontless)
        same = source if fetched.facts.content_coding == coding and not fontless else None
        wait_s = self._wait_s(exchange, plain, coding, fontless=fontless)
        body: bytes | AsyncIterator[bytes] | None = await best(hold_s=wait_s)
        if body is None and waits(exchange):
            wait = partial(self._wait_s, exchange, plain, coding, fontless=fontless)
            body = _when_its_turn_comes(best, wait, lambda: _quickly(text, coding, same, fontless=fontless))
        elif body is None:
            body = await _quickly(text, coding, same, fontless=fontless)
        if fontless:
            return self._adapted(exchange, fetched, body, coding, fetched.headers.get("ETag", ""))
        self._recoded_head(fetched.headers, coding)
        if isinstance(body, bytes):
            fetched.headers["Content-Length"] = str(len(body))
        return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=body)

    def _wait_s(self, exchange: Exchange, plain: PlainText, coding: str, *, fontless: bool) -> float:
        if not self._may_hold(exchange):
            return 0.0
        return hold_s(
            encode_s=self._best.estimate_s(plain, coding, fontless=fontless),
            source_bytes=plain.origin_bytes,
            expected_ratio=_EXPECTED_RATIO,
            link_bps=exchange.decision.link.down_bps,
            max_hold_s=exchange.limits.hold_s,
        )

    @staticmethod
    async def _plain(exchange: Exchange, fetched: Fetched, text: bytes) -> PlainText:
        headers = fetched.upstream.headers
        return PlainText(
            origin=exchange.decision.origin,
            url=exchange.inbound.url,
            text=text,
            sha256=await asyncio.to_thread(source_digest, text),
            content_type=headers.get("Content-Type", "application/octet-stream"),
            etag=headers.get("ETag", "").removeprefix("W/"),
            origin_bytes=exchange.tally.from_origin_bytes,
            learner=exchange.who.learner,
            private=fetched.facts.private,
        )

    def _note_sent(self, exchange: Exchange, fetched: Fetched) -> None:
        if exchange.tally.kind is MediaKind.STYLE and exchange.body_wanted:
            self._sheet_sent(exchange, fetched.upstream.headers.get("ETag", "").removeprefix("W/"))

    def _adapted(
        self, exchange: Exchange, fetched: Fetched, body: bytes | AsyncIterator[bytes], coding: str, etag: str
    ) -> Answer:
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
        headers.popall("Content-Length", None)
        if isinstance(body, bytes):
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
        self._note_sent(exchange, fetched)
        coding = str(notes.get("coding", ""))
        fetched.headers["Content-Type"] = outcome.content_type
        if notes.get("fontless"):
            return self._adapted(exchange, fetched, body, coding, etag)
        fetched.headers["ETag"] = etag
        self._recoded_head(fetched.headers, coding)
        fetched.headers["Content-Length"] = str(len(body))
        return Answer(status=200, headers=fetched.headers, body=body if exchange.body_wanted else None)


async def _when_its_turn_comes(
    best: _Best, wait_s: Callable[[], float], quickly: Callable[[], Awaitable[bytes]]
) -> AsyncIterator[bytes]:
    """The best coding if it is there, or nearly, by the time that others have gone before, else the quick one."""
    yield await best(hold_s=wait_s()) or await quickly()


async def _quickly(text: bytes, coding: str, same: bytes | None, *, fontless: bool) -> bytes:
    """same: what the origin sent, where that is in this coding already."""
    if same is not None:
        return same
    return await asyncio.to_thread(lambda: compress(drop_font_faces(text) if fontless else text, live_encoder(coding)))
