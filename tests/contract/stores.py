"""The stores of bodies as their contract sees them: kept under a name, read whole or not at all.

A new store adds an adapter and a line to STORES, and passes `test_stores.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from multidict import CIMultiDict

from proxy.cache.body_files import BodyFiles
from proxy.cache.stored import shared_key
from proxy.cache.variants import VariantStore
from proxy.exchange import Replaced
from tests.caching import HOST, Cached, Says, Told, cached, ranged
from tests.clocks import HandClock

SMALL, NEWER, LARGE = b"small" * 100, b"newer" * 120, bytes(range(256)) * 1300  # larger than what is written in one go
BeforeStep = Callable[[str], None]


class Full(OSError):
    """As a full disk says it."""

    def __init__(self) -> None:
        super().__init__(28, "No space left on device")


class Stepping(BodyFiles):
    """Files that tell before each step that touches the disk."""

    def __init__(self, root: Path, before: BeforeStep) -> None:
        super().__init__(root)
        self._before = before

    def create(self, name: str) -> int:
        self._before("create")
        return super().create(name)

    def write(self, file: int, offset: int, data: bytes) -> None:
        half = len(data) // 2
        self._before("write")
        super().write(file, offset, data[:half])
        self._before("write the rest")
        super().write(file, offset + half, data[half:])

    def publish(self, unfinished: str, name: str | None = None) -> None:
        self._before("publish")
        super().publish(unfinished, name)
        self._before("published")

    def remove(self, names: list[str]) -> None:
        self._before("remove")
        super().remove(names)


class Unscanned(BodyFiles):
    """Files that may not be listed."""

    def in_shard(self, number: int) -> object:  # type: ignore[override]
        raise AssertionError("this looks at files")


class Kept(Protocol):
    """An open store. Names are small words; a body is kept as the store's own callers keep one.

    keep      learner: it is hers, as the origin says, until another has had it too
    body      what whoever asks for the name gets from the store; None: nothing, and the store knows that it has nothing
    had       another learner has had it, as the store's callers note that
    shown     names in the list for IT staff
    held      (bodies, bytes on disk)
    refused   bodies that the disk didn't take, faults of the index with them
    """

    async def keep(self, name: str, body: bytes, *, learner: str = "") -> None: ...
    async def body(self, name: str) -> bytes | None: ...
    async def had(self, name: str, learner: str) -> None: ...
    async def shown(self) -> set[str]: ...
    async def sweep(self) -> None: ...
    def held(self) -> tuple[int, int]: ...
    def refused(self) -> int: ...


class Responses:
    """Answers of origins: what is kept came from one and streams in while its first reader has it."""

    base = "cache.sqlite"

    def __init__(self, there: Cached, bodies: dict[str, bytes], hers: set[str]) -> None:
        self._there, self._bodies, self._hers = there, bodies, hers

    async def keep(self, name: str, body: bytes, *, learner: str = "") -> None:
        self._bodies[name] = body
        if learner:
            self._hers.add(name)
        key = shared_key(self._there.asked(f"/{name}"), f"http://{HOST}/{name}")
        await self._there.store.invalidate([key])  # what was kept under the name must be asked for anew
        got = await self._there.get(f"/{name}", learner=learner)
        assert got.body == body, "whatever becomes of the store, her page is whole"

    async def body(self, name: str) -> bytes | None:
        self._bodies.pop(name, None)  # the origin has nothing: what comes is the store's
        got = await self._there.get(f"/{name}", learner="asks")
        return got.body if got.status == 200 else None

    async def had(self, name: str, learner: str) -> None:
        assert (await self._there.get(f"/{name}", learner=learner)).status == 200

    async def shown(self) -> set[str]:
        return {one.row.url.rpartition("/")[2] for one in await self._there.store.listing(100)}

    async def sweep(self) -> None:
        store = self._there.store
        for shard in _shards(store.files):
            store._shard = shard
            await store._drop_orphans()
        await store.sweep()

    def held(self) -> tuple[int, int]:
        stats = self._there.store.stats()
        return stats.objects, stats.disk_bytes

    def refused(self) -> int:
        stats = self._there.store.stats()
        return stats.failed_writes + stats.faults


class Variants:
    """Adapted copies: what is kept was made here, is named by content and given as a whole."""

    base = "variants.sqlite"

    def __init__(self, store: VariantStore, clock: HandClock) -> None:
        self._store, self._clock = store, clock

    async def keep(self, name: str, body: bytes, *, learner: str = "") -> None:
        outcome = Replaced(body=body, content_type="image/webp", length_bytes=len(body))
        variant = await self._store.put(_key(name), outcome, private=bool(learner), learner=learner)
        assert await self._store.read(variant) == body, "whatever becomes of the disk, her picture is whole"

    async def body(self, name: str) -> bytes | None:
        variant = await self._store.find(_key(name))
        return None if variant is None else await self._store.read(variant)

    async def had(self, name: str, learner: str) -> None:
        self._store.note_learner(_key(name), learner)

    async def shown(self) -> set[str]:
        return {bytes.fromhex(one.key[16:]).rstrip(b"\0").decode() for one in await self._store.inspect()}

    async def sweep(self) -> None:
        for shard in _shards(self._store._files):
            self._store._shard = shard
            await self._store._drop_orphans()
        await self._store.sweep(self._clock.now())

    def held(self) -> tuple[int, int]:
        stats = self._store.stats()
        return stats.files, stats.disk_bytes

    def refused(self) -> int:
        stats = self._store.stats()
        return stats.failed_writes + stats.faults


def _shards(files: BodyFiles) -> list[int]:
    """Those that have been begun: to sweep all 256 one after the other takes a while."""
    return [int(folder.name, 16) for folder in files.path("00").parents[1].iterdir()]


def _key(name: str) -> str:
    """As long as a digest, spread over the shards, and telling its name."""
    return hashlib.sha256(name.encode()).hexdigest()[:16] + name.encode().ljust(24, b"\0").hex()


@asynccontextmanager
async def responses(
    folder: Path, clock: HandClock, *, files: BodyFiles | None = None, max_bytes: int = 10**8
) -> AsyncIterator[Responses]:
    """The store of origins' answers, behind the cache that streams into it."""
    bodies: dict[str, bytes] = {}
    hers: set[str] = set()

    def answers(told: Told) -> Says:
        name = told.target[1:]
        etag = f'"{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}"'
        private = {"Content-Type": "image/png", "Cache-Control": "private", "ETag": etag}
        if name in hers and etag in told.headers.get("If-None-Match", ""):
            return Says(304, CIMultiDict(private))
        if name not in bodies:
            return Says(404, {"Cache-Control": "no-store"}, b"")
        return Says(200, private if name in hers else {"Cache-Control": "public, max-age=86400"}, bodies[name])

    async with cached(folder, answers, clock=clock, max_bytes=max_bytes, files=files) as there:
        yield Responses(there, bodies, hers)


@asynccontextmanager
async def variants(
    folder: Path, clock: HandClock, *, files: BodyFiles | None = None, max_bytes: int = 10**8
) -> AsyncIterator[Variants]:
    """The store of adapted copies."""
    store = VariantStore(folder, max_bytes=max_bytes, clock=clock, files=files)
    await store.open()
    yield Variants(store, clock)
    await store.close()


HASH = '"da39a3ee5e6b4b0d3255bfef95601890afd80709"'
PUBLIC = {"Cache-Control": "public, max-age=600"}


def answers(told: Told) -> Says:
    """An origin of a small and a large file, which knows ranges of the large one."""
    return Says(200, PUBLIC, SMALL) if "small" in told.target else ranged(told, LARGE, HASH, PUBLIC)


async def visit(there: Cached) -> None:
    """Small and large, a part that is gone on with, and a new version in the old one's place."""
    await there.get("/small")
    await there.get("/large")
    await there.get("/part", headers={"Range": "bytes=0-99999"})
    await there.get("/part")
    there.clock.moves(700)
    await there.get("/small")


class Opener(Protocol):
    def __call__(
        self, folder: Path, clock: HandClock, *, files: BodyFiles | None = None, max_bytes: int = 10**8
    ) -> AbstractAsyncContextManager[Kept]: ...


STORES: dict[str, Opener] = {"responses": responses, "variants": variants}
BASES = {"responses": Responses.base, "variants": Variants.base}
