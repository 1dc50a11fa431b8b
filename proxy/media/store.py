"""What recipes made, addressed by content: whole on disk or not there; what was tried in vain is remembered too.

Laws of this file:
- a medium appears by one rename, complete and on the disk; half-made things stay in `work` and go at the next start;
- no failure here costs an exchange: what the disk doesn't take is told, counted and thrown away;
- what somebody reads is not evicted, and who has opened a file reads it to its end whatever happens to its name;
- what came from one learner's private source is shown in no list until two learners have had it, and lives a day,
  as what is one person's should; what two have had stays as long as there is room.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from proxy.cache.use_notes import UseNotes, learner_mark
from proxy.clock import Clock
from proxy.exchange import Refused
from proxy.media import store_index as index
from proxy.media.in_vain import InVain
from proxy.media.names import MediaNames
from proxy.media.public import PublicSources
from proxy.media.store_folders import SHARDS, Folders
from proxy.media.store_values import MediaStoreStats, StoredMedia
from proxy.media.table import table
from proxy.tasks import TaskKeeper
from proxy.transforms.media.spec import MediaMade

logger = logging.getLogger("tropa.media")

PRIVATE_LIFE = timedelta(hours=24)
MAX_REMEMBERED = 200_000
_HOT_ENTRIES = 1024
_EVICT_TO = 0.95


class MediaStore:
    """Media under a folder, at most `max_bytes` of blocks on disk (what recipes are at comes on top)."""

    def __init__(self, folder: Path, *, max_bytes: int, clock: Clock) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._folders = Folders(folder)
        self._index = table(folder / "media.sqlite", index.SCHEMA)
        self.names = MediaNames(self._index, clock)
        self.in_vain = InVain(self._index, clock)
        self.public = PublicSources(self._index, clock)
        self._keeper = TaskKeeper("media-store")
        self._hot: OrderedDict[str, tuple[StoredMedia, float | None]] = OrderedDict()
        self._reading: Counter[str] = Counter()
        self._placing: set[str] = set()
        self._dropping: set[str] = set()
        self._proven: set[str] = set()
        self._proving = asyncio.Semaphore(1)  # a hundred films opened after a start are read one after the other
        self._notes = UseNotes[str, float]()  # when each was used last
        self._stats = MediaStoreStats()
        self._shard = 0

    async def open(self, *, clear: bool = True) -> None:
        """Open without a scan. clear: nobody else uses the folder, and what was left half made goes. Raises OSError."""
        await asyncio.to_thread(self._folders.prepare, clear=clear)
        await self._index.open()
        await self._count()

    async def close(self) -> None:
        """Save what was noted and let go of the disk."""
        await self._keeper.close()
        await self._save_notes()
        await self._index.close()

    async def find(self, key: str) -> StoredMedia | None:
        """A medium that is whole on disk; the first look in a process checks every file's length, later ones its name.

        Its bytes are compared with their digests once a process, in the background: a damaged one is gone thereafter.
        """
        media, expires = self._hot.get(key, (None, None))
        if media is None or (expires is not None and expires <= self._now()):
            self._hot.pop(key, None)
            media = await self._loaded(key)
        elif not await asyncio.to_thread(self._folders.is_there, media):  # somebody removed it under us
            await self._is_gone(key, True)
            return None
        if media is None or key in self._dropping:
            return None
        self._hot.move_to_end(key)
        self._notes.note(key, self._now())
        return media

    @contextmanager
    def reading(self, key: str) -> Iterator[None]:
        """While this is entered the medium is not evicted. Enter it before `find`."""
        self._reading[key] += 1
        try:
            yield
        finally:
            self._reading[key] -= 1
            if not self._reading[key]:
                del self._reading[key]

    async def is_sound(self, media: StoredMedia) -> bool:
        """Compare every byte with its digest; a damaged medium is dropped."""
        async with self._proving:
            sound = await asyncio.to_thread(self._folders.is_sound, media)
        if sound:
            return True
        if self._hot.get(media.key, (None, None))[0] is media and media.key not in self._placing:
            logger.error("a stored medium is damaged and dropped: %s", media.key[:16])
            self._stats = replace(self._stats, damaged=self._stats.damaged + 1)
            await self._drop([media.key])
        return False

    async def new_work(self) -> Path:
        """A folder on the same disk for one run of a recipe. Raises OSError."""
        return await asyncio.to_thread(self._folders.new_work)

    async def is_full(self) -> bool:
        """The disk is: what fails now may fail for that. Raises OSError."""
        return await asyncio.to_thread(self._folders.is_full)

    async def has_room(self, more_bytes: int) -> bool:
        """So much more fits without dropping anything."""
        await self._count()
        return self._stats.disk_bytes + more_bytes <= self._max_bytes

    async def throw_away(self, work: Path) -> None:
        await asyncio.to_thread(self._folders.throw_away, work)

    async def put(
        self, key: str, work: Path, made: MediaMade, *, recipe: str, source_bytes: int, private: bool, learner: str = ""
    ) -> StoredMedia | Refused:
        """Place what a recipe made in its work folder; Refused("disk-full", "lost") where that can't be done.

        What is there already stays: somebody may be half through it.
        """
        there = await self.find(key)
        if there is not None:
            return there
        at = self._clock.now()
        self._placing.add(key)
        try:
            taken = await asyncio.to_thread(
                lambda: self._folders.place(
                    key, work, made, recipe=recipe, source_bytes=source_bytes, private=private, at=at
                )
            )
            self._hot.pop(key, None)
            row = self._row(key, taken, private, at)
            await self._index.ask(lambda base: index.put(base, row))
        except (OSError, ValueError) as error:
            self._stats = replace(self._stats, failed_writes=self._stats.failed_writes + 1)
            logger.warning("what a recipe made can't be stored: %s", error)
            return Refused(why="disk-full" if isinstance(error, OSError) else "lost")
        finally:
            self._placing.discard(key)
        self._proven.add(key)
        self.note_learner(key, learner)
        with self.reading(key):
            await self._evict()
            return await self.find(key) or Refused(why="lost")

    def note_learner(self, key: str, learner: str) -> None:
        """A learner has had it. Kept only as far as two can be told apart, and not across media."""
        self._notes.note_learner(key, learner)

    async def count_of(self, learner: str) -> int:
        """How many media note that this learner had them."""
        await self._save_notes()
        return len(await self._index.ask(lambda base: index.hers(base, partial(learner_mark, learner=learner))) or [])

    async def erase(self, learner: str) -> int:
        """No medium notes this learner any more; those made of what is hers alone go. Returns how many did."""
        await self._save_notes()
        hers = await self._index.ask(lambda base: index.hers(base, partial(learner_mark, learner=learner))) or []
        await self._drop([key for key, only_hers in hers if only_hers and key not in self._reading])
        marks = [(key, learner_mark(key, learner)) for key, _ in hers]
        await self._index.ask(lambda base: index.unnote(base, marks))
        return len(hers)

    async def sweep(self, now: datetime) -> MediaStoreStats:
        """Drop what has expired, is over the budget or no manifest stands for (a part of it a call); save notes."""
        await self._save_notes()
        gone = await self._index.ask(lambda base: index.expired(base, now.timestamp())) or []
        await self._drop([key for key in gone if key not in self._reading])
        await self._index.ask(lambda base: index.prune(base, now.timestamp(), MAX_REMEMBERED))
        await self._settle_shard()
        await self._evict()
        await self._count()
        return self.stats()

    def stats(self) -> MediaStoreStats:
        return self._stats

    async def inspect(self, limit: int = 100) -> list[StoredMedia]:
        """The latest used for IT staff, without those that only one learner has had."""
        await self._save_notes()
        keys = await self._index.ask(lambda base: index.listing(base, limit)) or []
        found = [await asyncio.to_thread(self._folders.load, key) for key in keys]
        return [media for media in found if media is not None]

    # -- inside --------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _loaded(self, key: str) -> StoredMedia | None:
        row = await self._index.ask(lambda base: index.find(base, key))
        if row is not None and row.expires is not None and row.expires <= self._now():
            return None
        media = await asyncio.to_thread(self._folders.load, key)
        if media is None:
            await self._is_gone(key, row is not None)
            return None
        if key in self._dropping:
            return None
        row = row or await self._adopted(media)
        self._remember(replace(media, private=row.private), row.expires)
        return self._hot[key][0]

    def _remember(self, media: StoredMedia, expires: float | None) -> None:
        self._hot[media.key] = (media, expires)
        if len(self._hot) > _HOT_ENTRIES:
            self._hot.popitem(last=False)
        if media.key not in self._proven:
            self._proven.add(media.key)
            self._keeper.start(self.is_sound(media), name=media.key[:16])

    async def _adopted(self, media: StoredMedia) -> index.MediaRow:
        """A whole folder that the index has forgotten."""
        taken = await asyncio.to_thread(self._folders.taken_bytes, media.key)
        row = self._row(media.key, taken, media.private, media.made)
        await self._index.ask(lambda base: index.put(base, row))
        await self._count()
        return row

    def _row(self, key: str, taken: int, private: bool, made: datetime) -> index.MediaRow:
        expires = (made + PRIVATE_LIFE).timestamp() if private else None
        return index.MediaRow(key=key, disk_bytes=taken, private=private, expires=expires, used=self._now())

    async def _is_gone(self, key: str, had_row: bool) -> None:
        """There is no whole folder: forget its row; a folder that isn't whole is damage."""
        damaged = key not in self._placing and await asyncio.to_thread(self._folders.exists, key)
        self._stats = replace(self._stats, damaged=self._stats.damaged + damaged)
        if damaged or had_row:
            await self._drop([key])

    async def _settle_shard(self) -> None:
        shard, self._shard = self._shard, (self._shard + 1) % SHARDS
        there = await asyncio.to_thread(self._folders.in_shard, shard)
        known = await self._index.ask(lambda base: index.known_of(base, there))
        for key in there if known is not None else ():
            if known is not None and key not in known | self._placing:
                await self.find(key)  # adopts what is whole, drops what isn't

    async def _evict(self) -> None:
        await self._count()
        over = self._stats.disk_bytes - self._max_bytes
        if over <= 0:
            return
        await self._save_notes()
        wanted = over + int(self._max_bytes * (1 - _EVICT_TO))
        keep = frozenset(self._reading) | frozenset(self._placing)
        keys = await self._index.ask(lambda base: index.least_used(base, wanted, keep)) or []
        dropped = await self._drop([key for key in keys if key not in self._reading])
        self._stats = replace(self._stats, evicted=self._stats.evicted + dropped)
        await self._count()

    async def _drop(self, keys: list[str]) -> int:
        """Rows first: a folder without a row is settled by the sweep."""
        self._dropping.update(keys)
        try:
            for key in keys:
                self._hot.pop(key, None)
                self._proven.discard(key)
            if keys:
                await self._index.ask(lambda base: index.remove(base, keys))
                await asyncio.to_thread(self._folders.remove, keys)
        finally:
            self._dropping.difference_update(keys)
        return len(keys)

    async def _count(self) -> None:
        counted = await self._index.ask(index.totals)
        if counted is not None:
            self._stats = replace(
                self._stats, media=counted.media, disk_bytes=counted.disk_bytes, negatives=counted.negatives
            )

    async def _save_notes(self) -> None:
        used, learners = self._notes.taken()
        if used or learners:
            await self._index.ask(lambda base: index.touch(base, used, learners))
