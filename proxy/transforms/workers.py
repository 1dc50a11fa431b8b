"""A few worker processes that adapt images: a decoder's crash costs one image, never the proxy.

Laws of this file: a worker has one job at a time; one that died, hung or talked nonsense is killed and replaced; its
job is refused, no other job notices. Nothing here raises into an exchange.

Why processes, when Pillow releases the GIL: threads share the fate of a decoder that meets a hostile image, and a
thread that hangs can't be stopped. `bench/images.py` prints what the hand-over costs.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

from proxy.exchange import Outcome, Refused
from proxy.transforms.frames import READY, NonsenseError, read_outcome, request_frame
from proxy.transforms.reaped import reaped
from proxy.transforms.spec import ImageSpec

logger = logging.getLogger("tropa.transforms")

MEMORY_BYTES = 1 << 30  # 80 megapixels decoded to RGBA take 320 MB, and a second such buffer while scaling
DEADLINE_S = 15.0
JOBS_PER_LIFE = 1000  # what a decoder leaks ends with its process
_START_S = 20.0
_GRACE_S = 5  # the worker's own alarm, should its parent be gone
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class ImageWorkers:
    """`count` processes, started as they are needed."""

    def __init__(self, count: int, *, memory_bytes: int = MEMORY_BYTES, deadline_s: float = DEADLINE_S) -> None:
        self._memory_bytes = memory_bytes
        self._deadline_s = deadline_s
        self._free = asyncio.Semaphore(count)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False
        self.crashes = 0

    async def open(self) -> None:
        """Start one worker ahead of the first image; one that comes meanwhile takes another place, or waits."""
        async with self._free:
            worker = await self._start()
            if worker is not None and self._closed:
                await worker.end()
            elif worker is not None:
                self._idle.append(worker)

    async def close(self) -> None:
        self._closed = True
        for worker in (*self._idle, *self._busy):
            await worker.end()
        self._idle.clear()

    async def adapt(self, source: bytes | Path, spec: ImageSpec) -> Outcome:
        """`adapt_image` in another process.

        Refused also for "decoder-crashed", "timed-out" and (transient) "no-worker", "closed", "lost".
        """
        try:
            source_bytes = len(source) if isinstance(source, bytes) else (await asyncio.to_thread(source.stat)).st_size
        except OSError:
            return Refused(why="lost")
        async with self._free:
            if self._closed:
                return Refused(why="closed")
            worker = self._living() or await self._start()
            if worker is None:
                return Refused(why="no-worker")
            return await self._adapt_with(worker, source, source_bytes, spec)

    def _living(self) -> _Worker | None:
        """An idle worker; those that died meanwhile are let go without blaming an image."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
        return None

    async def _adapt_with(self, worker: _Worker, source: bytes | Path, source_bytes: int, spec: ImageSpec) -> Outcome:
        self._busy.add(worker)
        healthy = False
        try:
            async with asyncio.timeout(self._deadline_s):
                outcome = await worker.adapt(source, source_bytes, spec)
            healthy = True
            return outcome
        except TimeoutError:
            return self._lost(worker, "timed-out")
        except (asyncio.IncompleteReadError, ConnectionError, NonsenseError, OSError) as error:
            return self._lost(worker, "decoder-crashed", error)
        finally:
            self._busy.discard(worker)
            if healthy and worker.jobs < JOBS_PER_LIFE and not self._closed:
                self._idle.append(worker)
            else:
                await asyncio.shield(worker.end())

    def _lost(self, worker: _Worker, why: str, error: Exception | None = None) -> Refused:
        self.crashes += 1
        logger.warning("image worker %d is replaced: %s %s", worker.pid, why, error or "")
        return Refused(why=why)

    async def _start(self) -> _Worker | None:
        seconds = int(self._deadline_s) + _GRACE_S
        arguments = ("-m", "proxy.transforms.worker", str(self._memory_bytes), str(seconds))
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=_PACKAGE_ROOT, limit=1 << 20
            )
        except OSError as error:
            logger.error("no image worker can be started: %s", error)
            return None
        worker = _Worker(process)
        try:
            async with asyncio.timeout(_START_S):
                if await worker.greeting() == READY:
                    return worker
        except (TimeoutError, asyncio.IncompleteReadError):
            logger.error("an image worker did not start")
        except asyncio.CancelledError:
            await asyncio.shield(worker.end())
            raise
        await worker.end()
        return None


class _Worker:
    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self.jobs = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    async def greeting(self) -> bytes:
        return await self._output.readexactly(len(READY))

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def adapt(self, source: bytes | Path, source_bytes: int, spec: ImageSpec) -> Outcome:
        self.jobs += 1
        self._input.writelines(request_frame(source, spec))
        await self._input.drain()
        return await read_outcome(self._output, source_bytes=source_bytes)

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._input.close()
        await reaped(self._process)
