"""Stored responses under a folder: found at once, read in checked pieces, evicted by what they are worth here.

Laws of this file:
- a look-up that memory can answer awaits nothing; what touches a disk runs off the event loop;
- no failure here costs a response: a full disk, a broken index, a file gone or changed mean "not stored", counted;
- a file before its row, a row gone before its file: killed anywhere, what is found again is whole;
- what came from a learner's private source is shown in no list until two learners have had it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from policies.frozen import Frozen
from proxy.base_thread import BaseThread
from proxy.cache.body_checks import PIECE_BYTES
from proxy.cache.body_files import SHARDS, BodyFiles
from proxy.cache.commits import Commits
from proxy.cache.hot_responses import HotResponses
from proxy.cache.memory import BoundedMemory
from proxy.cache.object_index import ObjectIndex, Row
from proxy.cache.object_reader import ObjectReader
from proxy.cache.stored import StoredResponse, stored_of
from proxy.cache.use_notes import UseNotes
from proxy.cache.worth import worth
from proxy.clock import Clock
from proxy.upstream.reply import Whose

logger = logging.getLogger("tropa.cache")

_MOST_TWINS = 16  # variants of one address
_EVICT_TO = 0.95
_AGE = "age"


class CacheStats(Frozen, frozen=True, kw_only=True):
    """What the store holds, and what became of what was asked since it was opened."""

    objects: int = 0
    disk_bytes: int = 0
    evicted: int = 0
    failed_writes: int = 0
    damaged: int = 0
    faults: int = 0


class ObjectStore:
    """At most `max_bytes` on disk (blocks really taken; the index comes on top)."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        clock: Clock,
        files: BodyFiles | None = None,
        memory_bytes: int = 32 << 20,
    ) -> None:
        self.files = files or BodyFiles(folder)
        self.max_bytes = max_bytes
        self._clock = clock
        self._index = BaseThread(
            folder / "cache.sqlite",
            ObjectIndex,
            name="the index of stored responses",
            logger=logger,
            check=lambda index: index.number(_AGE),
        )
        self._commits = Commits(self._index, most_twins=_MOST_TWINS)
        self._hot = HotResponses()
        self._bodies = BoundedMemory(max_bytes=memory_bytes)
        self._notes = UseNotes[int, tuple[Row, int]]()  # how often each was used
        self._writing: set[str] = set()
        self._age = 0.0
        self._changes = 0
        self._shard = 0
        self._stats = CacheStats()

    async def open(self, *, clear: bool = True) -> None:
        """Open without scanning. clear: no other process uses this folder. Raises OSError: it can't be written."""
        await asyncio.to_thread(self.files.prepare, clear=clear)
        await self._index.open()
        self._age = await self._index.ask(lambda index: index.number(_AGE)) or 0.0
        self._changes = await self._index.ask(lambda index: index.changes()) or 0

    async def learn_keys(self) -> None:
        """Know which addresses aren't stored at all, without asking the disk for each; takes a moment for many."""
        keys = await self._index.ask(lambda index: index.keys())
        if keys is not None:
            self._hot.learn(keys)

    async def close(self) -> None:
        """Save what was noted and let go of the disk."""
        await self._save_notes()
        await self._index.close()

    # -- finding -----------------------------------------------------------------------------------------------

    def find_hot(self, key: bytes) -> tuple[StoredResponse, ...] | None:
        """What memory knows to be stored under a key; None: the disk must be asked."""
        return self._hot.find(key)

    async def find(self, key: bytes) -> tuple[StoredResponse, ...]:
        """What is stored under a key and hasn't outlived its time."""
        found = self._hot.find(key)
        if found is None:
            found = _responses(await self._index.ask(lambda index: index.find(key)) or [])
            self._hot.remember(key, found)
        now = self._now()
        return tuple(one for one in found if one.row.expires is None or one.row.expires > now) if found else found

    async def reader(self, stored: StoredResponse, *, first: int = 0) -> ObjectReader | None:
        """Its body from a byte on, that piece checked already; None: it is gone or damaged, and no longer stored."""
        small = stored.extents is None and (stored.row.length or 0) <= PIECE_BYTES
        if small and (body := self._bodies.get(stored.row.file)) is not None:
            return ObjectReader.of_bytes(body)
        try:
            reader = await asyncio.to_thread(ObjectReader.opened, self.files, stored, first)
            reader.damaged = partial(self.damaged, stored)
            if small:
                self._bodies.put(stored.row.file, reader.piece)
            return reader
        except OSError as error:
            await self.damaged(stored, error)
            return None

    async def damaged(self, stored: StoredResponse, error: Exception) -> None:
        """It can't be read: forget it."""
        if not isinstance(error, FileNotFoundError):  # which was purged or evicted a moment ago, most likely
            logger.warning("a stored response can't be read and is dropped: %s", error)
            self._stats = replace(self._stats, damaged=self._stats.damaged + 1)
        await self.drop([(stored.row.id, stored.row.file)], keys=[stored.row.key])

    async def was_read_by(self, learner: str, found: Sequence[StoredResponse]) -> tuple[StoredResponse, ...]:
        """Those of them that the origin has confirmed to this learner lately, as far as that is kept."""
        ids, now = [one.row.id for one in found], self._now()
        read = await self._index.ask(lambda index: index.was_read_by(learner, ids, now)) if ids else None
        return tuple(one for one in found if one.row.id in (read or ()))

    # -- storing -----------------------------------------------------------------------------------------------

    async def put(self, row: Row) -> StoredResponse | None:
        """Name a file that lies under its name already; None: it can't be, and the file is gone."""
        row = replace(row, worth=self._worth(row))
        found = await self._commits.put(row)
        if found is None:
            self.failed_write(OSError("the index doesn't take it"))
            await asyncio.to_thread(self.files.remove, [row.file])
            return None
        await self._removed(found.gone_files, [row.key])
        self._hot.note(row.key)
        self._stats = replace(
            self._stats,
            disk_bytes=self._stats.disk_bytes + found.grown_bytes,
            objects=self._stats.objects + found.grown_objects,
        )
        if self._stats.disk_bytes > self.max_bytes:
            await self._evict()
        return stored_of(replace(row, id=found.id))

    async def renew(self, row: Row) -> StoredResponse:
        """A validation has made it good again."""
        await self._index.ask(lambda index: index.renew(row))
        self._hot.forget([row.key])
        return stored_of(replace(row, invalid=0))

    async def invalidate(self, keys: Sequence[bytes]) -> None:
        """What is under these keys must be confirmed before it is used again."""
        known = [key for key in keys if self._hot.may_have(key)]
        if known:
            await self._index.ask(lambda index: index.invalidate(known))
            self._hot.forget(known)

    def failed_write(self, error: Exception) -> None:
        """A body couldn't be stored; whoever reads it goes on."""
        if self._stats.failed_writes == 0:
            logger.warning("responses can't be stored, pages go on without: %s", error)
        self._stats = replace(self._stats, failed_writes=self._stats.failed_writes + 1)

    def used(self, stored: StoredResponse, learner: str = "") -> None:
        """It served somebody; kept only as far as two learners can be told apart."""
        one = stored.row.id
        _, uses = self._notes.use_of(one) or (stored.row, 0)
        self._notes.note(one, (stored.row, uses + 1))
        if stored.whose is not Whose.SHARED:
            self._notes.note_learner(one, learner)

    async def note_reader(self, stored: StoredResponse, learner: str, life_s: int) -> None:
        """The origin has confirmed it to her: she may have it again while the origin is out of reach."""
        until = self._now() + life_s
        await self._index.ask(lambda index: index.note_reader(learner, stored.row.id, until))

    # -- keeping house -----------------------------------------------------------------------------------------

    async def sweep(self) -> CacheStats:
        """Drop what has expired, is over the limit, or has no row (one shard of 256 a call); save notes."""
        await self._save_notes()
        now = self._now()
        await self.drop(await self._index.ask(lambda index: index.expired(now)) or [])
        await self._drop_orphans()
        await self._count()
        await self._evict()
        await self._index.ask(lambda index: index.checkpoint())
        await self.learn_keys()
        return self.stats()

    async def notice_changes(self) -> None:
        """Another process (`tropa cache`) may have purged or imported: then memory is forgotten."""
        changes = await self._index.ask(lambda index: index.changes())
        if changes is not None and changes != self._changes:
            self._changes = changes
            self._hot.forget_all()
            await self.learn_keys()
            await self._count()

    async def drop(self, gone: Sequence[tuple[int, str]], *, keys: Sequence[bytes] = ()) -> int:
        """Rows first, then files; how many."""
        ids = [one for one, _ in gone]
        if ids and await self._index.ask(lambda index: index.remove(ids)) is not None:
            await self._removed([file for _, file in gone], keys)
        return len(ids)

    async def purge(self, *, origin: str | None = None, pattern: str | None = None) -> int:
        """Drop by origin and shell pattern of the address; None: any."""
        gone = await self._index.ask(lambda index: index.matching(origin=origin, pattern=pattern)) or []
        count = await self.drop(gone)
        await self._count()
        return count

    async def forget(self, learner: str) -> int:
        """Drop everything that is kept for this learner alone."""
        return await self.drop(await self._index.ask(lambda index: index.of_learner(learner)) or [])

    async def held_of(self, learner: str) -> tuple[int, int]:
        """(responses, bytes) that are kept for this learner alone."""
        return await self._index.ask(lambda index: index.held_of(learner)) or (0, 0)

    async def listing(self, limit: int) -> list[StoredResponse]:
        """The latest used that may be shown."""
        await self._save_notes()
        shown = (Whose.SHARED.value, Whose.CONFIRMED.value)
        return list(_responses(await self._index.ask(lambda index: index.listing(whose=shown, limit=limit)) or []))

    async def shared(self, pattern: str | None = None) -> list[StoredResponse]:
        """Everything that anybody may have, under addresses that match a shell pattern."""
        return list(_responses(await self._index.ask(lambda index: index.shared(pattern)) or []))

    async def sums(self) -> list[tuple[str, str, int, int]]:
        """(origin, whose, responses, bytes)."""
        return await self._index.ask(lambda index: index.sums()) or []

    def stats(self) -> CacheStats:
        return replace(self._stats, faults=self._index.faults)

    # -- inside ------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _worth(self, row: Row, uses: int = 0) -> float:
        return worth(self._age, uses=row.uses + uses, cost_s=row.cost_s, disk_bytes=row.disk_bytes)

    async def _removed(self, files: list[str], keys: Sequence[bytes]) -> None:
        """The rows are gone: so is what memory knows of them, and then the files."""
        if keys:
            self._hot.forget(keys)
        else:
            self._hot.forget_all()
        for file in files:
            self._bodies.drop(file)
        if files:
            await asyncio.to_thread(self.files.remove, files)

    async def _save_notes(self) -> None:
        used, learners = self._notes.taken()
        if used or learners:
            now = self._now()
            notes = [(one, now, uses, self._worth(row, uses)) for one, (row, uses) in used.items()]
            await self._index.ask(lambda index: index.touch(notes, learners))

    async def _count(self) -> None:
        totals = await self._index.ask(lambda index: index.totals())
        if totals is not None:
            self._stats = replace(self._stats, objects=totals.objects, disk_bytes=totals.disk_bytes)

    async def _evict(self) -> None:
        """What is worth least goes, until there is room for a while; the store's age rises to it."""
        over = self._stats.disk_bytes - int(self.max_bytes * _EVICT_TO)
        if self._stats.disk_bytes <= self.max_bytes:
            return
        gone = await self._index.ask(lambda index: index.least_worth(disk_bytes=over)) or []
        if not gone:
            return
        self._age = max(self._age, gone[-1][2])
        age = self._age
        await self._index.ask(lambda index: index.set_number(_AGE, age))
        await self.drop([(one, file) for one, file, _ in gone])
        self._stats = replace(self._stats, evicted=self._stats.evicted + len(gone))
        await self._count()

    async def _drop_orphans(self) -> None:
        """Files that no row names, in one shard; not those whose row is about to be written."""
        shard, self._shard = self._shard, (self._shard + 1) % SHARDS
        names = await asyncio.to_thread(lambda: list(self.files.in_shard(shard)))
        known = await self._index.ask(lambda index: index.known_of(names))
        if known is not None:
            orphans = [name for name in names if name not in known and name not in self._writing]
            await asyncio.to_thread(self.files.remove, orphans)

    def writing(self, name: str) -> None:
        """This file will have a row soon."""
        self._writing.add(name)

    def written(self, name: str) -> None:
        self._writing.discard(name)


def _responses(rows: Sequence[Row]) -> tuple[StoredResponse, ...]:
    found = []
    for row in rows:
        try:
            found.append(stored_of(row))
        except (ValueError, TypeError, sqlite3.Error) as error:
            logger.warning("a row of the index makes no sense and is passed over: %s", error)
    return tuple(found)
