"""Origins' media files, each on disk once: fetched by one request however many ask, kept while there is room.

Laws of this file:
- a source is whole under its SHA-256 or it is partial under its provisional key; one rename lies between;
- what somebody holds is never evicted; what nobody holds stops being fetched and goes on later where it stopped;
- the disk's budget is kept before bytes are taken, and a full disk is a clear failure, not half a file;
- a file on disk is nobody's for the asking: who may have it is told by `Authorised`, not here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path

from policies.frozen import Frozen
from proxy.clock import Clock
from proxy.media import source_files as files
from proxy.media.arriving import Arriving
from proxy.media.download import Download
from proxy.media.hours import CUT_SHORT
from proxy.media.refs import Fetch, SourceFailed, SourceRef, Whole
from proxy.media.shelf import Shelf
from proxy.media.spool import Spool
from proxy.tasks import TaskKeeper

logger = logging.getLogger("tropa.media")

Pause = Callable[[float], Awaitable[None]]
_RESUMABLE = CUT_SHORT | {"broken", "needs-visit", "closed"}


class SourceStats(Frozen, frozen=True, kw_only=True):
    """How much is on disk, how much is on its way, and what was done since the start."""

    disk_bytes: int = 0
    fetching: int = 0
    fetched: int = 0
    failed: int = 0
    evicted: int = 0


class SourceHold:
    """Somebody's claim on a source: while it is held, the source comes and stays. `release` it."""

    def __init__(self, ref: SourceRef, released: Callable[[SourceHold], None]) -> None:
        self.ref = ref
        self.sha256 = ""  # what it stands for, known or thought to be on disk
        self.on_disk: Whole | None = None
        self.arriving: Arriving | None = None
        self._released = released

    @property
    def length_bytes(self) -> int | None:
        """None while the origin hasn't said."""
        return self.on_disk.length_bytes if self.on_disk else self._arriving.spool.length_bytes

    @property
    def there_bytes(self) -> int:
        """How many bytes are on disk."""
        return self.on_disk.length_bytes if self.on_disk else self._arriving.spool.extents.total_bytes

    @property
    def left_s(self) -> float | None:
        """Seconds until it is whole, at the rate so far; None while that can't be told."""
        return 0.0 if self.on_disk else self._arriving.download.left_s()

    async def whole(self) -> Whole:
        """The source, once it is whole. Raises SourceFailed."""
        if self.on_disk is None:
            self.on_disk = await self._arriving.whole()
        return self.on_disk

    async def glimpse(self, head_bytes: int, tail_bytes: int = 0) -> Path:
        """A file with at least the first bytes, and the last ones where the origin gives ranges; a hole between.

        Raises SourceFailed.
        """
        if self.on_disk is not None:
            return self.on_disk.path
        tail = self._arriving.download.tail(tail_bytes) if tail_bytes else None
        return await self._arriving.glimpse(head_bytes, tail)

    def read_from(self, offset: int = 0) -> AsyncIterator[bytes]:
        """The source's bytes from an offset on, each as soon as it is there. Raises SourceFailed, OSError."""
        if self.on_disk is not None:
            return files.read_from(self.on_disk.path, offset)
        return self._arriving.spool.read_from(offset)

    @property
    def path(self) -> Path:
        """Where its bytes are now; it changes once, when the source becomes whole."""
        return self.on_disk.path if self.on_disk else self._arriving.spool.path

    @property
    def complete(self) -> bool:
        return self.on_disk is not None or self._arriving.spool.is_whole

    async def wait_for(self, nbytes: int) -> int:
        """Wait until so many first bytes are in the file, or all; answers how many. Raises OSError: they won't come."""
        if self.on_disk is not None:
            return self.on_disk.length_bytes
        try:
            return await self._arriving.spool.wait_for(nbytes)
        except SourceFailed as failed:
            raise OSError(str(failed)) from failed

    async def have_tail(self, nbytes: int) -> bool:
        """Have the last bytes in the file ahead of those between; False where the origin gives no ranges."""
        return self.on_disk is not None or await self._arriving.download.tail(nbytes)

    def may_use(self, fetch: Fetch) -> None:
        """Another learner asks for the same: her request serves where the first one's fails."""
        if self.arriving is not None:
            self.arriving.download.may_use(fetch)

    def release(self) -> None:
        """Let go; twice is harmless."""
        self._released(self)

    @property
    def _arriving(self) -> Arriving:
        if self.arriving is None:
            raise SourceFailed("closed")
        return self.arriving


class Sources:
    """Sources under a folder, at most `max_bytes` on disk, none larger than `max_source_bytes`.

    pause  sleeps for so many seconds between attempts
    """

    def __init__(
        self, folder: Path, *, max_bytes: int, max_source_bytes: int, clock: Clock, pause: Pause = asyncio.sleep
    ) -> None:
        self._max_source_bytes = min(max_source_bytes, max_bytes)
        self._clock = clock
        self._pause = pause
        self._shelf = Shelf(folder, max_bytes=max_bytes, clock=clock, kept=self._kept)
        self._keeper = TaskKeeper("sources")
        self._arriving: dict[str, Arriving] = {}
        self._holds: set[SourceHold] = set()
        self._beginning = asyncio.Lock()
        self._fetched = 0
        self._failed = 0
        self._closed = False

    async def open(self) -> None:
        """Open without a scan. Raises OSError where the folder can't be written."""
        await self._shelf.open()

    async def close(self) -> None:
        """Stop fetching; what came stays for the next time."""
        self._closed = True
        await self._keeper.close()
        await self._shelf.close()

    async def digest_of(self, key: str) -> str | None:
        """The SHA-256 that a provisional key stands for, if its source was whole once; the file may be gone."""
        return await self._shelf.digest_of(key)

    async def hold(self, ref: SourceRef, fetch: Fetch | None) -> SourceHold:
        """Have the source fetched, or join whoever has; `release` what is returned.

        fetch  None: only what is on disk or on its way. Raises SourceFailed ("needs-visit" otherwise).
        """
        hold = SourceHold(ref, self._release)
        self._holds.add(hold)  # before anything is looked up, so that nothing of it is evicted
        try:
            async with self._beginning:
                await self._find(hold, fetch)
        except BaseException:
            self._release(hold)
            raise
        return hold

    def stats(self) -> SourceStats:
        return SourceStats(
            disk_bytes=self._shelf.disk_bytes,
            fetching=len(self._arriving),
            fetched=self._fetched,
            failed=self._failed,
            evicted=self._shelf.evicted,
        )

    async def sweep(self, now: datetime) -> SourceStats:
        """Drop what nobody used for long, what is over the budget, and strays."""
        await self._shelf.sweep(now)
        return self.stats()

    async def _find(self, hold: SourceHold, fetch: Fetch | None) -> None:
        if self._closed:
            raise SourceFailed("closed")
        hold.sha256 = await self._shelf.digest_of(hold.ref.key) or ""
        if hold.sha256 and (whole := await self._shelf.whole(hold.sha256)) is not None:
            hold.on_disk = whole
            return
        arriving = self._arriving.get(hold.ref.key)
        if arriving is not None and arriving.task is not None and self._is_stopping(arriving.task):
            await asyncio.wait((arriving.task,))
            arriving = None
        if arriving is None and fetch is None:
            raise SourceFailed("needs-visit")
        hold.arriving = arriving or await self._begun(hold.ref)
        if fetch is not None:
            hold.arriving.download.may_use(fetch)
        if hold.arriving.task is None:
            hold.arriving.task = self._keeper.start(self._fetch(hold.arriving), name=hold.ref.key[:16])

    async def _begun(self, ref: SourceRef) -> Arriving:
        path, extents, length = await self._shelf.partial(ref.key)
        spool = Spool(path, extents=extents, length_bytes=length)
        try:
            await spool.open()
        except OSError as error:
            raise SourceFailed("disk", str(error)) from error
        download = Download(
            ref,
            spool,
            max_bytes=self._max_source_bytes,
            clock=self._clock,
            pause=self._pause,
            save=lambda: self._save(ref.key, spool),
            make_room=lambda nbytes: self._make_room(spool, nbytes),
        )
        arriving = Arriving(ref, spool, download)
        self._arriving[ref.key] = arriving
        return arriving

    async def _fetch(self, arriving: Arriving) -> None:
        ended: Whole | SourceFailed = SourceFailed("closed")
        try:
            await arriving.download.run()
            ended = await self._named(arriving)
            self._fetched += 1
        except SourceFailed as failed:
            ended = failed
        except OSError as error:
            ended = SourceFailed("disk", str(error))
        finally:  # also where nobody wants it any more
            if isinstance(ended, SourceFailed):
                await self._put_by(arriving, ended)
            self._arriving.pop(arriving.ref.key, None)
            arriving.end(ended)

    async def _named(self, arriving: Arriving) -> Whole:
        spool, length = arriving.spool, arriving.spool.length_bytes or 0
        sha256 = await spool.sha256()
        await spool.sync()
        arriving.sha256 = sha256  # from now on kept under this name too
        spool.path = await self._shelf.became_whole(arriving.ref, spool.path, sha256, length)
        return Whole(path=spool.path, sha256=sha256, length_bytes=length)

    async def _put_by(self, arriving: Arriving, failed: SourceFailed) -> None:
        """Keep what came where going on is possible; what can't become whole only takes room."""
        if failed.why != "closed":
            self._failed += 1
            logger.warning("a source of %s can't be had: %s", arriving.ref.origin, failed)
        resumable = failed.why in _RESUMABLE and bool(arriving.ref.validator and arriving.spool.extents.spans)
        try:
            if resumable:
                await self._save(arriving.ref.key, arriving.spool)
        except OSError as error:
            logger.warning("a source's beginning can't be kept: %s", error)
            resumable = False
        if not resumable:
            await self._shelf.drop_partial(arriving.ref.key)

    async def _save(self, key: str, spool: Spool) -> None:
        extents, length = spool.extents, spool.length_bytes
        await spool.sync()
        await self._shelf.keep_partial(key, extents, length)

    async def _make_room(self, spool: Spool, nbytes: int) -> bool:
        """Room for the rest of this source beside the rest of all others that are on their way."""
        others = (one.spool for one in self._arriving.values() if one.spool is not spool)
        coming = sum(max(0, (other.length_bytes or 0) - other.extents.total_bytes) for other in others)
        return await self._shelf.make_room(coming + nbytes - spool.extents.total_bytes)

    def _release(self, hold: SourceHold) -> None:
        self._holds.discard(hold)
        arriving = hold.arriving
        if arriving is None or arriving.task is None:
            return
        if not any(other.arriving is arriving for other in self._holds):
            arriving.task.cancel()

    def _kept(self) -> frozenset[str]:
        names = {name for hold in self._holds for name in (hold.ref.key, hold.sha256)}
        arriving = {hold.arriving for hold in self._holds if hold.arriving} | set(self._arriving.values())
        names |= {name for one in arriving for name in (one.ref.key, one.sha256)}
        return frozenset(names)

    @staticmethod
    def _is_stopping(task: asyncio.Task[None]) -> bool:
        return task.done() or task.cancelling() > 0
