"""Adapted copies on disk, addressed by content; what could not be adapted is remembered too.

Laws of this file:
- a lookup that hits memory awaits nothing; everything that touches a disk runs off the event loop;
- no failure here costs a response: a full disk, a broken index, a file gone or cut short mean "not stored", counted;
- the bytes that a variant's digest (its ETag) names are the bytes that are read, or it isn't there;
- what came from one learner's private source lives a day and is shown in no list until two learners have had it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from proxy.base_thread import BaseThread
from proxy.cache.body_files import SHARDS, BodyFiles
from proxy.cache.memory import BoundedMemory
from proxy.cache.use_notes import UseNotes, learner_mark
from proxy.cache.variant_index import Row, VariantIndex
from proxy.cache.variant_keys import Provisional, provisional_key
from proxy.cache.variant_values import StoreStats, Variant, bytes_of, etag_of, variant_of
from proxy.clock import Clock
from proxy.exchange import Outcome, Refused, Replaced

logger = logging.getLogger("tropa.variants")

PRIVATE_LIFE = timedelta(hours=24)
REFUSED_LIFE = timedelta(hours=24)  # a crash or a time-out may have been the machine's bad hour
SOURCE_LIFE = timedelta(days=30)
MAX_NEGATIVES = 200_000
MAX_SOURCES = 200_000
_MEMORY_ENTRIES = 4096
_EVICT_TO = 0.95


class VariantStore:
    """Variants under a folder, at most `max_bytes` on disk (blocks really taken; the index comes on top)."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        clock: Clock,
        files: BodyFiles | None = None,
        memory_bytes: int = 32 << 20,
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._files = files or BodyFiles(folder)
        self._index = BaseThread(
            folder / "variants.sqlite",
            VariantIndex,
            name="the index of variants",
            logger=logger,
            check=lambda index: index.totals(),
        )
        self._writing: set[str] = set()
        self._hot: OrderedDict[str, Variant] = OrderedDict()
        self._hot_sources: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._bodies = BoundedMemory(max_bytes=memory_bytes)
        self._notes = UseNotes[str, float]()  # when each was used last
        self._stats = StoreStats()
        self._shard = 0

    async def open(self) -> None:
        """Open without scanning; an index that can't be read is set aside and begun anew.

        Raises OSError where the folder can't be written.
        """
        await asyncio.to_thread(self._files.prepare)
        await self._index.open()
        await self._count()

    async def close(self) -> None:
        """Save what was noted and let go of the disk."""
        await self._save_notes()
        await self._index.close()

    def find_hot(self, key: str) -> Variant | None:
        """A variant that memory knows; never touches the disk."""
        variant = self._hot.get(key)
        if variant is None:
            return None
        if variant.expires is not None and variant.expires <= self._clock.now():
            del self._hot[key]
            return None
        self._hot.move_to_end(key)
        self._notes.note(key, self._now())
        self._stats = replace(self._stats, memory_hits=self._stats.memory_hits + 1)
        return variant

    async def find(self, key: str) -> Variant | None:
        """A stored outcome, at once if memory knows it; None if there is none."""
        if (variant := self.find_hot(key)) is not None:
            return variant
        row = await self._index.ask(lambda index: index.find(key))
        if row is None or (row.expires is not None and row.expires <= self._now()):
            self._stats = replace(self._stats, misses=self._stats.misses + 1)
            return None
        variant = self._variant(row)
        self._remember(variant)
        self._stats = replace(self._stats, disk_hits=self._stats.disk_hits + 1)
        return variant

    async def read(self, variant: Variant) -> bytes | None:
        """The variant's bytes, checked against its digest; None if it has none or they are gone or damaged."""
        if not isinstance(variant.outcome, Replaced):
            return None
        body = self._bodies.get(variant.key) or await asyncio.to_thread(self._files.read, variant.key)
        if body is not None and self._bodies.get(variant.key) is None:
            digest = await asyncio.to_thread(etag_of, body) if len(body) > 1 << 20 else etag_of(body)
            body = body if digest == variant.etag else None
        if body is None:
            self._stats = replace(self._stats, faults=self._stats.faults + 1)
            await self._drop([variant.key])
            return None
        self._bodies.put(variant.key, body)
        return body

    async def put(self, key: str, outcome: Outcome, *, private: bool = False, learner: str = "") -> Variant:
        """Keep an outcome; never fails: what the disk doesn't take lives in memory only, and is counted."""
        now = self._clock.now()
        life = REFUSED_LIFE if isinstance(outcome, Refused) else PRIVATE_LIFE if private else None
        expires = now + life if life is not None else None
        at = now.timestamp()
        ends = expires.timestamp() if expires is not None else None
        row = Row(key=key, kind="", private=private, made=at, used=at, expires=ends)
        if not isinstance(outcome, Replaced):
            kind = "refused" if isinstance(outcome, Refused) else "unchanged"
            row = replace(row, kind=kind, why=outcome.why)
        else:
            row = await self._stored_row(row, outcome)
        before = self._hot.get(key)
        variant = self._variant(replace(row, private=private and (before is None or before.private)))
        self._remember(variant)
        if row.kind != "replaced":
            await self._put_row(row)
        self.note_learner(key, learner)
        await self._grown(row)
        return variant

    async def find_provisional(self, source: Provisional) -> str | None:
        """The SHA-256 of a source that isn't read yet, if its strong validator was seen complete before."""
        key = provisional_key(source)
        if key is None:
            return None
        if (hot := self._hot_sources.get(key)) is not None and hot[1] > self._now():
            return hot[0]
        now = self._now()
        found = await self._index.ask(lambda index: index.find_source(key, now))
        if found is None:
            return None
        self._remember_source(key, *found)
        return found[0]

    async def remember_provisional(self, source: Provisional, source_sha256: str, *, private: bool = False) -> None:
        """Promote: this validator stands for this content. A weak validator is not kept."""
        key = provisional_key(source)
        if key is None:
            return
        expires = self._now() + (PRIVATE_LIFE if private else SOURCE_LIFE).total_seconds()
        self._remember_source(key, source_sha256, expires)
        await self._index.ask(lambda index: index.put_source(key, source_sha256, expires))

    def note_learner(self, key: str, learner: str) -> None:
        """A learner has had this variant. Kept only as far as two can be told apart, and not across variants."""
        self._notes.note_learner(key, learner)

    async def count_of(self, learner: str) -> int:
        """How many variants note that this learner had them."""
        await self._save_notes()
        return len(await self._index.ask(lambda index: index.hers(partial(learner_mark, learner=learner))) or [])

    async def erase(self, learner: str) -> int:
        """No variant notes this learner any more; those made of what is hers alone go. Returns how many did."""
        await self._save_notes()
        hers = await self._index.ask(lambda index: index.hers(partial(learner_mark, learner=learner))) or []
        await self._drop([key for key, only_hers in hers if only_hers])
        marks = [(key, learner_mark(key, learner)) for key, only_hers in hers if not only_hers]
        await self._index.ask(lambda index: index.unnote(marks))
        return len(hers)

    async def sweep(self, now: datetime) -> StoreStats:
        """Drop what has expired, is over the limit, or has no row (one shard of 256 a call); save notes."""
        await self._save_notes()
        await self._drop(await self._index.ask(lambda index: index.expired(now.timestamp())) or [])
        await self._index.ask(lambda index: index.prune_sources(now.timestamp(), keep=MAX_SOURCES))
        await self._drop_orphans()
        await self._count()
        await self._evict()
        over = self._stats.negatives - MAX_NEGATIVES
        if over > 0:
            await self._drop(await self._index.ask(lambda index: index.least_used_negatives(count=over)) or [])
        await self._index.ask(lambda index: index.checkpoint())
        await self._count()
        return self.stats()

    def stats(self) -> StoreStats:
        return replace(self._stats, faults=self._stats.faults + self._index.faults)

    async def inspect(self, limit: int = 100) -> list[Variant]:
        """The latest used variants for IT staff, without those that only one learner has had."""
        await self._save_notes()
        rows = await self._index.ask(lambda index: index.listing(limit)) or []
        return [self._variant(row) for row in rows]

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _remember(self, variant: Variant) -> None:
        self._hot[variant.key] = variant
        self._hot.move_to_end(variant.key)
        self._notes.note(variant.key, self._now())
        if len(self._hot) > _MEMORY_ENTRIES:
            self._hot.popitem(last=False)

    def _remember_source(self, key: str, digest: str, expires: float) -> None:
        self._hot_sources[key] = (digest, expires)
        self._hot_sources.move_to_end(key)
        if len(self._hot_sources) > _MEMORY_ENTRIES:
            self._hot_sources.popitem(last=False)

    def _variant(self, row: Row) -> Variant:
        return variant_of(row, self._files.path(row.key), self._clock.now().tzinfo)

    async def _stored_row(self, row: Row, outcome: Replaced) -> Row:
        """Write the file, then its row; disk_bytes stays 0 where either failed."""
        body = await bytes_of(outcome)
        if body is None:
            return replace(row, kind="refused", why="lost")
        row = replace(
            row,
            kind="replaced",
            content_type=outcome.content_type,
            length=len(body),
            digest=etag_of(body),
            notes=json.dumps(outcome.notes),
        )
        self._bodies.put(row.key, body)
        self._writing.add(row.key)
        try:
            filed = replace(row, disk_bytes=max(1, await asyncio.to_thread(self._files.keep, row.key, body)))
            if await self._put_row(filed):
                return filed
            await asyncio.to_thread(self._files.remove, [row.key])
        except OSError as error:
            self._failed_write(error)
        finally:
            self._writing.discard(row.key)
        return row

    async def _put_row(self, row: Row) -> bool:
        def put(index: VariantIndex) -> bool:
            index.put(row)
            return True

        return bool(await self._index.ask(put))

    def _failed_write(self, error: Exception) -> None:
        if self._stats.failed_writes == 0:
            logger.warning("variants can't be stored, pages go on without: %s", error)
        self._stats = replace(self._stats, failed_writes=self._stats.failed_writes + 1)

    async def _grown(self, row: Row) -> None:
        filed = int(row.kind == "replaced" and row.disk_bytes > 0)
        self._stats = replace(
            self._stats,
            files=self._stats.files + filed,
            negatives=self._stats.negatives + int(row.kind != "replaced"),
            disk_bytes=self._stats.disk_bytes + row.disk_bytes,
        )
        if self._stats.disk_bytes > self._max_bytes:
            await self._count()  # a key stored twice was counted twice
            await self._evict()

    async def _evict(self) -> None:
        over = self._stats.disk_bytes - self._max_bytes
        if over <= 0:
            return
        await self._save_notes()
        wanted = over + int(self._max_bytes * (1 - _EVICT_TO))
        keys = await self._index.ask(lambda index: index.least_used(disk_bytes=wanted)) or []
        await self._drop(keys)
        self._stats = replace(self._stats, evicted=self._stats.evicted + len(keys))
        await self._count()

    async def _drop(self, keys: list[str]) -> None:
        """Rows first: a file without a row is swept later, a row without a file would be a lie."""
        if not keys:
            return
        for key in keys:
            self._hot.pop(key, None)
            self._bodies.drop(key)
        await self._index.ask(lambda index: index.remove(keys))
        await asyncio.to_thread(self._files.remove, keys)

    async def _drop_orphans(self) -> None:
        shard, self._shard = self._shard, (self._shard + 1) % SHARDS
        there = await asyncio.to_thread(lambda: list(self._files.in_shard(shard)))
        known = await self._index.ask(lambda index: index.known_of(there))
        if known is not None:
            await asyncio.to_thread(self._files.remove, [key for key in there if key not in known | self._writing])

    async def _count(self) -> None:
        totals = await self._index.ask(lambda index: index.totals())
        if totals is not None:
            files, negatives, taken = totals.files, totals.negatives, totals.disk_bytes
            self._stats = replace(self._stats, files=files, negatives=negatives, disk_bytes=taken)

    async def _save_notes(self) -> None:
        used, learners = self._notes.taken()
        if used or learners:
            await self._index.ask(lambda index: index.touch(used.items(), learners))
