"""Pieces of a made rung: one head or segment at a time, each content once.

Laws: one content is made once, whoever watches; one piece is made at a time, and at most `_WAITING` wait, each no
longer than `MOST_WAIT_S`: a player that is kept waiting longer gives up; what failed for a reason of its own fails at
once the next time.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from proxy.cache.variant_keys import source_digest, variant_key
from proxy.cache.variants import VariantStore
from proxy.exchange import Outcome, Replaced, Unchanged
from proxy.transforms.ladder.made import NotMade, RungSpec
from proxy.transforms.ladder.rung import make_rung_head, make_rung_segment
from proxy.transforms.media.spec import MediaMade, ToolFailed, Workbench
from proxy.transforms.media.tools import find_ffmpeg
from proxy.transforms.media.workbench import Bench

logger = logging.getLogger("tropa.ladders")

RUNG_VERSION = 3
MOST_WAIT_S = 6.0  # hls.js gives a segment 10 s to begin
BUSY, LATE = "busy", "late"
PASSING_REASONS = frozenset((BUSY, LATE))  # another time it may go
_WAITING = 4


class Piece(StrEnum):
    HEAD = "head"
    SEGMENT = "segment"


def bench_in(folder: Path) -> Workbench | None:
    """A bench in this folder; None: no tool on this machine."""
    tool = find_ffmpeg()
    return Bench(folder, tool) if tool is not None else None


class PieceMaker:
    """Makes pieces in folders of their own and keeps them in the store. open_bench: where."""

    def __init__(
        self, store: VariantStore, folder: Path, open_bench: Callable[[Path], Workbench | None] = bench_in
    ) -> None:
        self._store = store
        self._folder = folder
        self._open_bench = open_bench
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def start(self) -> None:
        """What the last process was at when it was killed goes; nobody else uses the folder."""
        await asyncio.to_thread(shutil.rmtree, self._folder, True)

    async def made(
        self, piece: Piece, spec: RungSpec, source: bytes, head: bytes, *, private: bool, learner: str, host: str
    ) -> bytes | NotMade:
        """The piece. head: what the source is decoded with, b"" where it brings that along or is it."""
        digest = await asyncio.to_thread(source_digest, head + source)
        key = variant_key(digest, f"rung:{piece}:{spec!r}", RUNG_VERSION)
        kept = await self._kept(key)
        if kept is not None:
            return kept
        if self._waiting >= _WAITING:
            return NotMade(why=BUSY)
        self._waiting += 1
        try:
            async with asyncio.timeout(MOST_WAIT_S), self._turn:
                outcome = await self._worked(piece, spec, source, head)
        except TimeoutError:
            return NotMade(why=LATE)
        except (ToolFailed, OSError) as error:
            logger.info("a %s of %s isn't made: %r", piece, host, error)
            return NotMade(why="failed")
        finally:
            self._waiting -= 1
        await self._store.put(key, outcome, private=private, learner=learner)
        return _body(outcome)

    async def _kept(self, key: str) -> bytes | NotMade | None:
        variant = await self._store.find(key)
        if variant is None:
            return None
        if isinstance(variant.outcome, Replaced):
            return await self._store.read(variant)
        return NotMade(why=variant.outcome.why)

    async def _worked(self, piece: Piece, spec: RungSpec, source: bytes, head: bytes) -> Outcome:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="rung-", dir=self._folder) as name:
            folder = Path(name)
            bench = self._open_bench(folder)
            if bench is None:
                return Unchanged(why="no-tool")
            path, init = folder / "source", folder / "head"
            await asyncio.to_thread(path.write_bytes, source)
            await asyncio.to_thread(init.write_bytes, head)
            match piece:
                case Piece.HEAD:
                    made = await make_rung_head(path, spec, bench)
                case Piece.SEGMENT:
                    made = await make_rung_segment(path, init if head else None, spec, bench)
            if not isinstance(made, MediaMade):
                return made
            body = await asyncio.to_thread((folder / made.main).read_bytes)
            return Replaced(body=body, content_type=made.content_type, length_bytes=len(body))


def _body(outcome: Outcome) -> bytes | NotMade:
    if not isinstance(outcome, Replaced):
        return NotMade(why=outcome.why)
    return outcome.body if isinstance(outcome.body, bytes) else NotMade(why="failed")
