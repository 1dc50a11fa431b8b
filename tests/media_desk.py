"""Fakes for the media desk at its lowest seams: an origin's bytes, a clock, a recipe's runner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from proxy.errors import upstream_unreachable
from proxy.exchange import Refused
from proxy.media.refs import Fetched, SourceRef
from proxy.transforms.media.growing import SourceFeed
from proxy.transforms.media.spec import CappedSpec, HlsSpec, MediaMade, MediaOutcome, MediaSpec, Recipe
from tests.clocks import HandClock

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ETAG = '"' + "a1" * 20 + '"'  # Moodle's: SHA-1 of the content


class Pauses:
    """Sleeps for nothing, and remembers for how long it would have been."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@dataclass
class FakeOrigin:
    """One file of an origin, served as a careful HTTP server does.

    cuts     after how many bytes each of the first requests breaks off; then none does
    gate     nothing beyond `open_bytes` is sent while it is not set
    """

    body: bytes
    etag: str = ETAG
    last_modified: str = ""
    says_length: bool = True
    ranges: bool = True
    status: int = 200
    chunk_bytes: int = 64 << 10
    cuts: list[int] = field(default_factory=list)
    gate: asyncio.Event | None = None
    open_bytes: int = 0
    chunk_s: float = 0.0
    requests: list[tuple[int, str | None, int | None]] = field(default_factory=list)
    sent_bytes: int = 0

    def ref(self, **more: object) -> SourceRef:
        values: dict[str, object] = {
            "origin": "lms",
            "url": "https://lms.example/pluginfile.php/7/lecture.mp4",
            "etag": self.etag,
            "last_modified": self.last_modified,
            "length_bytes": len(self.body) if self.says_length else None,
            "private": True,
            "learner": "anna",
        }
        return SourceRef(**{**values, **more})  # type: ignore[arg-type]

    @asynccontextmanager
    async def fetch(self, offset: int, validator: str | None, tail: int | None) -> AsyncIterator[Fetched]:
        self.requests.append((offset, validator, tail))
        if self.status != 200:
            yield Fetched(status=self.status, headers={}, chunks=self._chunks(b""))
            return
        start = max(0, len(self.body) - tail) if tail else offset
        current = self.etag or self.last_modified
        partial = self.ranges and bool(start or tail) and validator in (None, current)
        headers = {"etag": self.etag} if self.etag else {}
        if self.last_modified:
            headers["last-modified"] = self.last_modified
        sent = self.body[start:] if partial else self.body
        if self.says_length:
            headers["content-length"] = str(len(sent))
        if partial:
            headers["content-range"] = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        yield Fetched(status=206 if partial else 200, headers=headers, chunks=self._chunks(sent))

    async def _chunks(self, body: bytes) -> AsyncIterator[bytes]:
        cut = self.cuts.pop(0) if self.cuts else None
        for at in range(0, len(body), self.chunk_bytes):
            if self.gate is not None and at >= self.open_bytes:
                await self.gate.wait()
            await asyncio.sleep(self.chunk_s)
            chunk = body[at : at + self.chunk_bytes]
            if cut is not None and at + len(chunk) > cut:
                yield chunk[: cut - at]
                raise upstream_unreachable("the link dropped")
            self.sent_bytes += len(chunk)
            yield chunk


@dataclass
class Ran:
    recipe: Recipe
    source: bytes
    spec: MediaSpec


class FakeRunner:
    """A recipe's runner that writes a tenth of its source, and waits while `gate` is not set."""

    def __init__(self, clock: HandClock | None = None, *, takes_s: float = 0.0) -> None:
        self.clock = clock
        self.takes_s = takes_s
        self.gate: asyncio.Event | None = None
        self.halfway = asyncio.Event()
        self.ran: list[Ran] = []
        self.segments: list[int] = []
        self.began_early = 0
        self.outcomes: list[MediaOutcome | Exception | None] = []
        self.running = 0
        self.most_running = 0
        self.cancelled = 0
        self.done_at_gate = 0.5
        self.lag_s = 0.0

    async def run(
        self,
        recipe: Recipe,
        source: Path,
        spec: MediaSpec,
        folder: Path,
        progress: Callable[[float], None],
        on_output: Callable[[bytes], None] | None,
    ) -> MediaOutcome:
        body = source.read_bytes()
        self.ran.append(Ran(recipe, body, spec))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            half = max(1, len(body) // 20)
            if on_output is not None:
                on_output(body[:half])
            progress(self.done_at_gate)
            self.halfway.set()
            if self.gate is not None:
                await self.gate.wait()
            await asyncio.sleep(self.lag_s)
            if self.clock is not None:
                self.clock.moves(self.takes_s)
            if self.outcomes and (outcome := self.outcomes.pop(0)) is not None:
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome
            if on_output is not None:
                on_output(body[half : 2 * half])
            return self.made(folder, body[: 2 * half])
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def run_growing(
        self,
        feed: SourceFeed,
        spec: CappedSpec,
        folder: Path,
        progress: Callable[[float], None],
        on_output: Callable[[bytes], None],
    ) -> MediaOutcome:
        self.began_early += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        at, made = 0, bytearray()
        try:
            with feed.path.open("rb") as file:
                while (there := await feed.wait_for(at + 1)) > at:
                    piece = file.read(there - at)
                    at += len(piece)
                    made += piece[::10]
                    on_output(piece[::10])
                    progress(min(0.9, at / (feed.length_bytes or at)))
            if self.outcomes and (outcome := self.outcomes.pop(0)) is not None:
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome
            return self.made(folder, bytes(made))
        except OSError:
            return Refused(why="source-broke-off")
        finally:
            self.running -= 1

    async def segment(self, source: Path, spec: HlsSpec, number: int, folder: Path) -> MediaOutcome:
        self.segments.append(number)
        if self.gate is not None:
            await self.gate.wait()
        (folder / "segment.ts").write_bytes(f"segment {number}".encode())
        return MediaMade(
            main="segment.ts",
            content_type="video/mp2t",
            files=("segment.ts",),
            length_bytes=len(f"segment {number}"),
            duration_s=spec.segment_s,
            facts={},
        )

    @staticmethod
    def made(folder: Path, body: bytes) -> MediaMade:
        (folder / "video.mp4").write_bytes(body)
        return MediaMade(
            main="video.mp4",
            content_type="video/mp4",
            files=("video.mp4",),
            length_bytes=len(body),
            duration_s=60.0,
            facts={"height_px": 240},
        )
