"""Pictures that came by night are made smaller before anybody asks: the morning's first visit gets the small one.

Laws of this file: made of what is stored here, so nothing is asked of an origin; the same maker and the same key as for
a learner's own request, so that nothing is made twice; behind everything that somebody waits for; a failure costs
nothing but the making at the first visit. A variant shows nothing to anybody: each learner is still let have it by the
origin.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from policies.decision import Decision
from policies.frozen import Frozen
from policies.treatments import Action, ImageTreatment
from proxy.cache.asked import Asked
from proxy.cache.origin_cache import OriginCache
from proxy.cache.sources import Source, SourceBook
from proxy.cache.variant_keys import Provisional, image_key, is_content_hash, source_digest
from proxy.cache.variants import VariantStore
from proxy.clock import Clock
from proxy.deliver.heads import has_directive
from proxy.errors import ExchangeError
from proxy.night.sources import BY_NIGHT
from proxy.stages.image import made_spec, pixels_of
from proxy.transforms.image.facts import image_facts
from proxy.transforms.run import TransformPool
from proxy.transforms.workers import ImageWorkers
from proxy.upstream.reply import OriginReply

logger = logging.getLogger("tropa.night")

# What browsers say that they show, beyond what all do: those of today, and Safari before 16 with Edge before 121.
ACCEPTS = ("image/avif,image/webp", "image/webp")
_PATIENCE_S = 120.0  # for a turn among what learners wait for
_READ_S = 30.0


class Picture(Frozen, frozen=True, kw_only=True):
    """A picture in the store. url: as learners have it; etag as the origin sent it."""

    url: str
    body: bytes
    etag: str
    private: bool


class NightPictures:
    """One at a time."""

    def __init__(
        self,
        cache: OriginCache,
        store: VariantStore,
        sources: SourceBook,
        pool: TransformPool,
        workers: ImageWorkers,
        clock: Clock,
    ) -> None:
        self._cache = cache
        self._store = store
        self._sources = sources
        self._pool = pool
        self._workers = workers
        self._clock = clock
        self._turn = asyncio.Semaphore(1)

    async def make(
        self, asked: Asked, url: str, decisions: Sequence[Decision], *, max_bytes: int, max_pixels: int
    ) -> int:
        """Make the variants of what is stored under this request; how many there are now. 0: it is no still picture.

        decisions: of the hours in which it may be looked at. Larger pictures are left for their first visit.
        """
        treatments = {one.treatments.image for one in decisions if one.treatments.image.action is Action.ADAPT}
        if not treatments or any(one.bypassed or one.observe for one in decisions):
            return 0
        async with self._turn:
            picture = await self._stored(asked, url, max_bytes)
            if picture is None:
                return 0
            digest = await asyncio.to_thread(source_digest, picture.body)
            await self._remember(decisions[0].origin, picture, digest)
            specs = [(treatment, accept) for treatment in treatments for accept in ACCEPTS]
            return sum([await self._made(picture, digest, *spec, max_pixels) for spec in specs])

    async def _stored(self, asked: Asked, url: str, max_bytes: int) -> Picture | None:
        reply = await self._cache.kept(asked, self._clock.now(), is_everybodys=True)
        if reply is None:
            return None
        try:
            return await _read(reply, url, max_bytes)
        except ExchangeError:
            return None
        finally:
            reply.abort()

    async def _remember(self, origin: str, picture: Picture, digest: str) -> None:
        """So that the origin's validator alone leads to the variants. Not where it could be another learner's file."""
        if not picture.etag or (picture.private and not is_content_hash(picture.etag)):
            return
        length = len(picture.body)
        known = Provisional(origin=origin, url=picture.url, etag=picture.etag, length_bytes=length)
        await self._store.remember_provisional(known, digest, private=picture.private)
        source = Source(etag=picture.etag, sha256=digest, length_bytes=length)
        self._sources.remember(origin, picture.url, "", source, private=picture.private)

    async def _made(
        self, picture: Picture, digest: str, treatment: ImageTreatment, accept: str, max_pixels: int
    ) -> bool:
        spec = made_spec(treatment, treatment.max_width_px, accept, max_pixels)
        key = image_key(digest, spec)
        if await self._store.find(key) is not None:
            return True
        outcome = await self._pool.obtain(
            key,
            partial(self._workers.adapt, picture.body, spec),
            hold_s=_PATIENCE_S,
            keep=lambda made: self._store.put(key, made, private=picture.private, learner=BY_NIGHT),
            party=BY_NIGHT,
            background=True,
            kind="image",
            pixels=pixels_of(picture.body),
        )
        return outcome is not None


async def _read(reply: OriginReply, url: str, max_bytes: int) -> Picture | None:
    """None: no still picture, too large, or coded."""
    length = reply.content_length
    if length is None or length > max_bytes or reply.headers.get("Content-Encoding"):
        return None
    body = await reply.read_up_to(length, _READ_S)
    if len(body) != length or image_facts(body[:65536]) is None:
        return None
    private = has_directive(reply.headers, "private", "no-store")
    return Picture(url=url, body=body, etag=reply.headers.get("ETag", ""), private=private)
