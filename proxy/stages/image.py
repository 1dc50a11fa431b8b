"""DownsampleImage: a still goes out as its variant, held for the encoder only while that is quicker on this link.

Laws: every learner is authorised by the origin's own answer to her request before a stored variant is sent; what misses
the hold goes out as the origin has it, unless policy can't let so many bytes through: then a small notice goes, and
the next visit gets the variant; a broken or refused source passes unharmed. MinifySvg: the same for a drawing, which is
text: it goes in its best coding, changed or not, and nothing becomes a drawing that the origin didn't call one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

from policies.decision import DownsampleImage, MinifySvg
from policies.treatments import Action, ImageTreatment
from policies.values import MediaKind
from proxy.cache.sources import Source, SourceBook
from proxy.cache.variant_keys import Provisional, image_key, is_content_hash, source_digest
from proxy.cache.variant_values import Variant
from proxy.cache.variants import VariantStore
from proxy.deliver.answer import Answer
from proxy.deliver.heads import adapted
from proxy.deliver.sticky import Sticky
from proxy.deliver.validators import Conditions, Validator, adapted_etag, fingerprint
from proxy.exchange import Outcome, Replaced
from proxy.pages import size_text
from proxy.stages.context import Exchange, Fetched
from proxy.stages.drawing import coded_drawing, drawing_as_it_is, plain_drawing
from proxy.stages.known import Known
from proxy.stages.notice import waiting_picture
from proxy.stages.passing import passing_answer
from proxy.transforms.hold import hold_s
from proxy.transforms.image import TRANSFORM_VERSION
from proxy.transforms.image.facts import image_facts
from proxy.transforms.image.naming import saved_name
from proxy.transforms.image.svg import MAX_SVG_BYTES, SVG_TYPE
from proxy.transforms.run import TransformPool
from proxy.transforms.spec import ImageSpec
from proxy.transforms.workers import ImageWorkers
from proxy.upstream.reply import OriginReply

# (exchange, the origin's answer, the picture's bytes) -> None: a moving picture that this learner may have.
Met = Callable[[Exchange, OriginReply, int | None], None]
_EXPECTED_RATIO = 0.2  # four fifths saved on a mixed course is what our settings reach
_EXPECTED_DRAWING_RATIO = 0.8  # coded drawings lost 21 % over 495 drawings of a system's icons and handbooks
_UNKNOWN_PIXELS = 4_000_000
# How much of an unadapted picture may go out while its variant is being made: at most this long on the link, and
# where megabytes cost at most so many bytes (a tenth of a rouble at 0.40 RUB/MB).
_TOLERATED_S, _TOLERATED_PAID_BYTES = 10.0, 262_144
_MODERN = ("image/avif", "image/webp")


class ImageStage:
    """Finds, makes and sends variants of still images."""

    def __init__(
        self,
        store: VariantStore,
        sources: SourceBook,
        pool: TransformPool,
        workers: ImageWorkers,
        sticky: Sticky,
        *,
        moves: Met = lambda exchange, reply, length_bytes: None,
    ) -> None:
        self._store = store
        self._sources = sources
        self._pool = pool
        self._workers = workers
        self._sticky = sticky
        self._moves = moves

    # -- before a byte is fetched --------------------------------------------------------------------------

    async def known(self, exchange: Exchange) -> Known | None:
        """The way in force for this image, and a stored variant if there is one."""
        facts, decision = exchange.facts, exchange.decision
        treatment = decision.treatments.image
        if facts.kind is not MediaKind.IMAGE or facts.method not in ("GET", "HEAD"):
            return None
        if treatment.action is not Action.ADAPT or decision.bypassed or decision.observe:
            return None
        spec = self._spec(exchange, treatment)
        source = self._sources.find(decision.origin, exchange.inbound.url, exchange.who.learner)
        if source is None:
            return Known(way=_way(spec))
        for way in (spec, replace(spec, drawing=True)):
            variant = await self._store.find(image_key(source.sha256, way))
            if variant is not None and isinstance(variant.outcome, Replaced):
                return Known(way=_way(way), source=source, variant=variant)
        return Known(way=_way(spec), source=source)

    async def confirmed(self, exchange: Exchange, fetched: Fetched, known: Known, client: Conditions) -> Answer | None:
        """The origin said 304: the stored variant goes out. None: its bytes are gone."""
        assert known.variant is not None and known.source is not None
        exchange.tally.direct_bytes = known.source.length_bytes
        return await self._variant_answer(exchange, fetched, known.variant, known.way, known.source.etag)

    @staticmethod
    def _spec(exchange: Exchange, treatment: ImageTreatment) -> ImageSpec:
        accept = exchange.inbound.request.headers.get("Accept", "")
        hints = exchange.facts.hints
        width = treatment.max_width_px
        if hints.mobile and hints.viewport_width_px and width is not None:
            # A phone needs no more than its own screen, at most twice its CSS width.
            width = min(width, max(320, round(hints.viewport_width_px * min(hints.dpr or 1.0, 2.0))))
        return made_spec(treatment, width, accept, exchange.limits.max_image_pixels)

    # -- after it ------------------------------------------------------------------------------------------

    async def answer(self, exchange: Exchange, fetched: Fetched, plan: DownsampleImage) -> Answer:
        """The image's variant, or the image."""
        spec = self._spec(exchange, plan.image)
        if fetched.facts.content_coding or not exchange.body_wanted:
            return self._head_or_pass(exchange, fetched)
        stored = await self._by_validator(exchange, fetched, spec)
        if stored is not None:
            return stored
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=exchange.limits.max_image_bytes)
        if not isinstance(source, bytes):
            exchange.tally.kind = MediaKind.IMAGE
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)
        exchange.tally.kind, exchange.tally.direct_bytes = MediaKind.IMAGE, len(source)
        digest = await asyncio.to_thread(source_digest, source) if len(source) > 65536 else source_digest(source)
        await self._remember(exchange, fetched, digest, len(source))
        if _moves(source):
            self._moves(exchange, fetched.upstream, len(source))
        key = image_key(digest, spec)
        variant = await self._store.find(key)
        if variant is None:
            made = await self._made(exchange, fetched, key, source, spec)
            if made is None:
                return self._not_in_time(exchange, fetched, source)
            if not isinstance(made, Replaced) or not isinstance(made.body, bytes):
                return self._whole(fetched, source)
            etag = fetched.headers.get("ETag", "")
            return await self._adapted(exchange, fetched, made.body, made.content_type, _way(spec), etag)
        answer = await self._variant_answer(exchange, fetched, variant, _way(spec), fetched.headers.get("ETag", ""))
        return answer if answer is not None else self._whole(fetched, source)

    async def drawing(self, exchange: Exchange, fetched: Fetched, plan: MinifySvg) -> Answer:
        """The drawing without what nobody sees; the drawing as it is where that isn't ready, or gains nothing."""
        if fetched.facts.status != 200 or not exchange.body_wanted:
            return passing_answer(exchange, fetched, may_recompress=True)
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=MAX_SVG_BYTES)
        exchange.tally.kind = MediaKind.IMAGE
        if not isinstance(source, bytes):
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)
        exchange.tally.direct_bytes = len(source)
        spec = replace(self._spec(exchange, exchange.decision.treatments.image), drawing=True)
        plain = plain_drawing(source, fetched.facts.content_coding)
        digest = source_digest(plain)
        await self._remember(exchange, fetched, digest, len(source))
        key, etag = image_key(digest, spec), fetched.headers.get("ETag", "")
        variant = await self._store.find(key)
        made = await self._made(exchange, fetched, key, plain, spec) if variant is None else variant.outcome
        if isinstance(made, Replaced):
            body = made.body if isinstance(made.body, bytes) else await self._store.read(variant) if variant else None
            if body is not None:
                return await self._adapted(exchange, fetched, body, SVG_TYPE, _way(spec), etag)
        answer = await drawing_as_it_is(exchange, fetched, plain)
        if made is None:
            answer.headers["Cache-Control"] = "private, max-age=0"  # so that the next visit gets the variant
        return answer

    @staticmethod
    def _head_or_pass(exchange: Exchange, fetched: Fetched) -> Answer:
        if exchange.body_wanted:
            return passing_answer(exchange, fetched, may_recompress=False)
        exchange.tally.kind = MediaKind.IMAGE
        for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Last-Modified"):
            fetched.headers.popall(name, None)
        return Answer(status=fetched.facts.status, headers=fetched.headers)

    async def _by_validator(self, exchange: Exchange, fetched: Fetched, spec: ImageSpec) -> Answer | None:
        """A stored variant of this very content, known by the origin's validator before the body is read."""
        provisional = self._provisional(exchange, fetched, fetched.facts.length_bytes)
        digest = await self._store.find_provisional(provisional) if provisional is not None else None
        variant = await self._store.find(image_key(digest, spec)) if digest is not None else None
        if variant is None or not isinstance(variant.outcome, Replaced):
            return None
        exchange.tally.direct_bytes = fetched.facts.length_bytes
        return await self._variant_answer(exchange, fetched, variant, _way(spec), fetched.headers.get("ETag", ""))

    @staticmethod
    def _provisional(exchange: Exchange, fetched: Fetched, length_bytes: int | None) -> Provisional | None:
        etag = fetched.headers.get("ETag", "")
        if not etag or length_bytes is None:
            return None
        personal = fetched.facts.private and not is_content_hash(etag)
        return Provisional(
            origin=exchange.decision.origin,
            url=exchange.inbound.url,
            etag=etag,
            length_bytes=length_bytes,
            learner=exchange.who.learner if personal else "",
        )

    async def _remember(self, exchange: Exchange, fetched: Fetched, digest: str, length_bytes: int) -> None:
        provisional = self._provisional(exchange, fetched, length_bytes)
        if provisional is None:
            return
        private = fetched.facts.private
        await self._store.remember_provisional(provisional, digest, private=private)
        source = Source(etag=provisional.etag, sha256=digest, length_bytes=length_bytes)
        self._sources.remember(
            exchange.decision.origin, exchange.inbound.url, exchange.who.learner, source, private=private
        )

    # -- making --------------------------------------------------------------------------------------------

    async def _made(
        self, exchange: Exchange, fetched: Fetched, key: str, source: bytes, spec: ImageSpec
    ) -> Outcome | None:
        decision = exchange.decision
        kind, pixels = ("svg", len(source)) if spec.drawing else ("image", pixels_of(source))
        # Where the original can't go in its place, the variant is worth the longest wait whatever the estimate says.
        wait_s = exchange.limits.hold_s
        if tolerable(exchange, len(source)):
            wait_s = hold_s(
                encode_s=self._pool.estimate_s(kind, pixels),
                source_bytes=len(source),
                expected_ratio=_EXPECTED_DRAWING_RATIO if spec.drawing else _EXPECTED_RATIO,
                link_bps=link_bps(exchange),
                max_hold_s=exchange.limits.hold_s,
            )
        private, learner = fetched.facts.private, exchange.who.learner
        return await self._pool.obtain(
            key,
            partial(self._workers.adapt, source, spec),
            hold_s=wait_s,
            keep=lambda outcome: self._store.put(key, outcome, private=private, learner=learner),
            party=f"{decision.region}/{decision.site or ''}",
            kind=kind,
            pixels=pixels,
        )

    def _not_in_time(self, exchange: Exchange, fetched: Fetched, source: bytes) -> Answer:
        if not tolerable(exchange, len(source)):
            exchange.tally.treatment, exchange.tally.withheld_bytes = "withheld", len(source)
            exchange.tally.direct_bytes = 0  # the next visit gets the variant, and only then something is saved
            self._sticky.note(exchange.inbound.url, exchange.now)  # what goes out under this address isn't its bytes
            return waiting_picture(size_text(len(source), exchange.who.language), exchange.who.language)
        answer = self._whole(fetched, source)
        answer.headers["Cache-Control"] = "private, max-age=0"  # so that the next visit gets the variant
        return answer

    @staticmethod
    def _whole(fetched: Fetched, source: bytes) -> Answer:
        fetched.headers["Content-Length"] = str(len(source))
        return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)

    # -- sending -------------------------------------------------------------------------------------------

    async def _variant_answer(
        self, exchange: Exchange, fetched: Fetched, variant: Variant, way: str, origin_etag: str
    ) -> Answer | None:
        body = await self._store.read(variant)
        if body is None or not isinstance(variant.outcome, Replaced):
            return None
        self._store.note_learner(variant.key, exchange.who.learner)
        if any(name == "frames" and number != 1 for name, number in variant.outcome.notes):
            self._moves(exchange, fetched.upstream, exchange.tally.direct_bytes)
        return await self._adapted(exchange, fetched, body, variant.outcome.content_type, way, origin_etag)

    async def _adapted(
        self, exchange: Exchange, fetched: Fetched, body: bytes, content_type: str, way: str, origin_etag: str
    ) -> Answer:
        exchange.tally.treatment, exchange.tally.kind = "image", MediaKind.IMAGE
        self._sticky.note(exchange.inbound.url, exchange.now)
        headers = adapted(
            fetched.headers,
            content_type=content_type,
            etag=adapted_etag(Validator(etag=origin_etag) if origin_etag else None, way),
            now=exchange.now,
            valid_until=exchange.decision.valid_until,
        )
        if content_type == SVG_TYPE:
            body = await coded_drawing(exchange.codings, headers, body)
        headers["Content-Length"] = str(len(body))
        if not headers.get("Content-Disposition", "").lower().startswith("inline"):
            name = saved_name(exchange.inbound.path, content_type)
            if name is not None:
                headers["Content-Disposition"] = name
        return Answer(status=200, headers=headers, body=body if exchange.body_wanted else None)


def _moves(source: bytes) -> bool:
    facts = image_facts(source[:65536])
    return facts is not None and facts.animated


def pixels_of(source: bytes) -> int:
    """How much there is to decode. A moving picture has about so many pixels as its frames' bytes have bits."""
    facts = image_facts(source[:65536])
    if facts is None or facts.pixels is None:
        return _UNKNOWN_PIXELS
    return max(facts.pixels, 8 * len(source)) if facts.animated else facts.pixels


@lru_cache(maxsize=512)
def made_spec(treatment: ImageTreatment, width_px: int | None, accept: str, max_pixels: int) -> ImageSpec:
    """How a picture is made for who sends this Accept, at most width_px wide."""
    return ImageSpec(
        max_width_px=width_px,
        max_bytes=treatment.max_bytes,
        photo_quality=treatment.photo_quality,
        text_quality=treatment.text_quality,
        accepts=frozenset(kind for kind in _MODERN if kind in accept),
        animation=treatment.animation,
        max_pixels=max_pixels,
    )


@lru_cache(maxsize=512)
def _way(spec: ImageSpec) -> str:
    return fingerprint("image", spec.fingerprint(), str(spec.max_pixels), str(TRANSFORM_VERSION))


def link_bps(exchange: Exchange) -> int | None:
    """The learner's link as the decision knows it: what is sold, or less where less was measured."""
    return exchange.decision.link.down_bps


def tolerable(exchange: Exchange, source_bytes: int) -> bool:
    """Whether a picture may go out as it is while its variant is being made."""
    decision, bps = exchange.decision, link_bps(exchange)
    if bps is not None and source_bytes * 8 > bps * _TOLERATED_S:
        return False
    paid = decision.price.amount > 0 and not decision.free_now
    return not paid or source_bytes <= _TOLERATED_PAID_BYTES
