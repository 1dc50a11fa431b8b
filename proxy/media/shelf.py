"""The sources that are on disk, within a budget: an index beside the files, and what is dropped when.

Laws of this file: a row goes before its file goes and comes after its file came; what `kept` names is never dropped,
looked at once more in the instant before the row is removed; an index that can't answer means "not there".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from proxy.clock import Clock
from proxy.media import source_files as files
from proxy.media import source_index as index
from proxy.media.extents import Extents
from proxy.media.refs import SourceRef, Whole
from proxy.media.table import table

SHARED_LIFE = timedelta(days=30)  # how long an origin's validator is believed to stand for the same content
PRIVATE_LIFE = timedelta(hours=24)
UNPROVEN_LIFE = timedelta(hours=1)  # no validator at all: one visit's length
UNUSED_LIFE = timedelta(days=7)  # a source is only worth its disk while other forms of it may be asked for
MAX_NAMES = 200_000


class Shelf:
    """Sources under a folder, at most `max_bytes`. kept: names (SHA-256 or provisional keys) in use."""

    def __init__(self, folder: Path, *, max_bytes: int, clock: Clock, kept: Callable[[], frozenset[str]]) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept = kept
        self._index = table(folder / "sources.sqlite", index.SCHEMA)
        self._used: dict[str, float] = {}
        self._shard = 0
        self.disk_bytes = 0
        self.evicted = 0

    async def open(self) -> None:
        """Open without a scan. Raises OSError where the folder can't be written."""
        await asyncio.to_thread(files.prepare, self._folder)
        await self._index.open()
        await self._count()

    async def close(self) -> None:
        await self._save_uses()
        await self._index.close()

    async def digest_of(self, key: str) -> str | None:
        """The content that a provisional key stands for; its file may be gone."""
        now = self._now()
        return await self._index.ask(lambda base: index.digest_of(base, key, now))

    async def whole(self, sha256: str) -> Whole | None:
        """The whole file of a content, if it is there with its full length. Name it in `kept` before asking."""
        row = await self._index.ask(lambda base: index.file_named(base, sha256))
        path = files.path_of(self._folder, sha256, whole=True)
        if row is None or row.length_bytes is None or await asyncio.to_thread(files.size_of, path) != row.length_bytes:
            return None
        self._used[sha256] = self._now()
        return Whole(path=path, sha256=sha256, length_bytes=row.length_bytes)

    async def partial(self, key: str) -> tuple[Path, Extents, int | None]:
        """Where the partial file of a key lies or would lie, which of its bytes are there, its length if known."""
        row = await self._index.ask(lambda base: index.file_named(base, key))
        path = files.path_of(self._folder, key, whole=False)
        return (path, row.extents, row.length_bytes) if row is not None else (path, Extents(), None)

    async def keep_partial(self, key: str, extents: Extents, length_bytes: int | None) -> None:
        """Note which bytes of a partial file are safe on disk."""
        row = index.FileRow(name=key, whole=False, length_bytes=length_bytes, extents=extents, used=self._now())
        await self._index.ask(lambda base: index.put_file(base, row))
        await self.make_room(0)

    async def drop_partial(self, key: str) -> None:
        """Remove a partial file that can't become whole, even while it is in use."""
        await self._index.ask(lambda base: index.remove_files(base, [key]))
        await asyncio.to_thread(files.remove, self._folder, [(key, False)])

    async def became_whole(self, ref: SourceRef, partial: Path, sha256: str, length_bytes: int) -> Path:
        """Give a whole file its content's name, by one rename; answers where it is now. Raises OSError."""
        path = files.path_of(self._folder, sha256, whole=True)
        await asyncio.to_thread(files.rename, partial, path)
        now = self._clock.now()
        extents = Extents().plus(0, length_bytes)
        row = index.FileRow(name=sha256, whole=True, length_bytes=length_bytes, extents=extents, used=now.timestamp())
        expires = (now + _life(ref)).timestamp()
        await self._index.ask(lambda base: index.became_whole(base, ref.key, expires, row))
        await self._count()
        return path

    async def make_room(self, more_bytes: int) -> bool:
        """Drop the longest unused until so many bytes more fit; False where what is in use doesn't let them."""
        await self._save_uses()
        await self._count()
        over = self.disk_bytes + more_bytes - self._max_bytes
        if over > 0:
            keep = self._kept()
            chosen = await self._index.ask(lambda base: index.least_used(base, over, keep)) or []
            self.evicted += await self._drop(chosen)
            await self._count()
        return self.disk_bytes + more_bytes <= self._max_bytes

    async def sweep(self, now: datetime) -> None:
        """Drop what nobody used for long, what is over the budget and what no row knows (a part of it a call)."""
        await self._save_uses()
        await self._index.ask(lambda base: index.prune_names(base, now.timestamp(), MAX_NAMES))
        before, keep = (now - UNUSED_LIFE).timestamp(), self._kept()
        await self._drop(await self._index.ask(lambda base: index.unused_since(base, before, keep)) or [])
        await self._drop_orphans()
        await self.make_room(0)

    async def _drop_orphans(self) -> None:
        shard, self._shard = self._shard, (self._shard + 1) % files.SHARDS
        there = await asyncio.to_thread(files.in_shard, self._folder, shard)
        known = await self._index.ask(lambda base: index.known_of(base, [name for name, _ in there]))
        if known is not None:
            known |= self._kept()
            await asyncio.to_thread(files.remove, self._folder, [item for item in there if item[0] not in known])

    async def _drop(self, chosen: list[tuple[str, bool]]) -> int:
        keep = self._kept()
        names = [(name, whole) for name, whole in chosen if name not in keep]
        if names:
            await self._index.ask(lambda base: index.remove_files(base, [name for name, _ in names]))
            await asyncio.to_thread(files.remove, self._folder, names)
        return len(names)

    async def _count(self) -> None:
        counted = await self._index.ask(index.bytes_of_all)
        if counted is not None:
            self.disk_bytes = counted

    async def _save_uses(self) -> None:
        used, self._used = self._used, {}
        if used:
            await self._index.ask(lambda base: index.touch(base, used))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _life(ref: SourceRef) -> timedelta:
    if not ref.validator:
        return UNPROVEN_LIFE
    return SHARED_LIFE if ref.shared else PRIVATE_LIFE
