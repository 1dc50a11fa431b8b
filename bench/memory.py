"""How much memory large bodies, slow readers and idle connections cost, beside a bare aiohttp relay."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import aiohttp

from bench import memory_clients, servers
from bench.figures import growth_each
from bench.processes import Process, free_port, python, running
from bench.suite import Report, Table, Target

METHOD = (
    "method: a fresh process for each row, warmed by 50 connections with one answer each; resident memory of "
    "the process tree, the peak (read 20 times a\n"
    "second) less that before. Slow readers: {readers} of 100 MB, 64 kB/s each, 64 kB receive buffer, for "
    "{seconds} s. Idle: plain kept-alive connections after one answer."
)
_LIMIT_S = 120
_GB, _READERS, _SLOW_BYTES, _RATE = 1_000_000_000, 32, 100_000_000, 64_000
_Client = Callable[[int], Awaitable[int]]
_Starter = Callable[[Path, int], AbstractContextManager[tuple[Process, int]]]
_PEERS: dict[str, _Starter] = {"relay": servers.relay, "Tropa": servers.tropa}


def run(*, quick: bool) -> Report:
    """Each load on each peer."""
    big, idle, seconds = (100_000_000, 500, 3) if quick else (_GB, 5000, 8)
    idle = min(idle, _room_for(idle + 512))
    loads: dict[str, tuple[_Client, int]] = {
        f"download of {big // 10**6} MB": (lambda port: memory_clients.download(port, big), 1),
        f"upload of {big // 10**6} MB": (lambda port: memory_clients.upload(port, big), 1),
        f"{big // 10**6} MB over one WebSocket": (lambda port: memory_clients.over_socket(port, big), 1),
        f"{_READERS} slow readers": (lambda port: _slow(port, seconds), _READERS),
        f"{idle} idle connections": (lambda port: _stand(port, idle), idle),
    }
    grown: dict[tuple[str, str], float] = {}
    left_out: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name, _origin(Path(name)) as origin:
        for load, (client, count) in loads.items():
            for peer, starter in ({**_PEERS, "squid": servers.squid} if "idle" in load else _PEERS).items():
                try:
                    grown[load, peer] = _grown(starter, origin, client, count)
                except (RuntimeError, OSError, TimeoutError, asyncio.IncompleteReadError, aiohttp.ClientError) as error:
                    left_out.append(f"{load}, {peer}: {error!r}")
    return _report(grown, list(loads), METHOD.format(readers=_READERS, seconds=seconds), left_out)


@contextlib.contextmanager
def _origin(folder: Path) -> Iterator[int]:
    port = free_port()
    with running(python("-m", "bench.memory_origin", str(port)), port, folder / "origin.log"):
        yield port


def _grown(starter: _Starter, origin: int, client: _Client, count: int) -> float:
    """Bytes of growth for each of `count` clients. Raises RuntimeError where they moved nothing."""
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with starter(folder, origin) as (process, port):
            asyncio.run(_stand(port, 50))
            before = process.rss_bytes()
            with _watched(process) as readings:
                moved = asyncio.run(_within(client(port)))
            if not moved:
                raise RuntimeError("nothing was moved")
            return growth_each(before, readings, count)


@contextlib.contextmanager
def _watched(process: Process) -> Iterator[list[int]]:
    """Readings of its memory while the block lasts."""
    readings = [process.rss_bytes()]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            readings.append(process.rss_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield readings
    finally:
        over.set()
        thread.join()
        readings.append(process.rss_bytes())


async def _within(moving: Awaitable[int]) -> int:
    async with asyncio.timeout(_LIMIT_S):
        return await moving


async def _slow(port: int, seconds: float) -> int:
    return await memory_clients.slow_readers(port, _SLOW_BYTES, count=_READERS, rate_bytes_s=_RATE, seconds=seconds)


async def _stand(port: int, count: int) -> int:
    async with memory_clients.idle(port, count) as standing:
        await asyncio.sleep(1.0)
        return standing


def _room_for(wanted: int) -> int:
    """Raise the limit of open files, for what is started too; how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4 * wanted:
        soft = min(4 * wanted, hard) if hard != resource.RLIM_INFINITY else 4 * wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, (soft - 512) // 2)


def _report(grown: dict[tuple[str, str], float], loads: list[str], method: str, left_out: list[str]) -> Report:
    head = ("growth per client, kB", "Tropa", "relay", "squid", "Tropa/relay")
    rows = []
    for load in loads:
        ours, bare, squid = (grown.get((load, peer)) for peer in ("Tropa", "relay", "squid"))
        times = ours / bare if ours is not None and bare else None
        rows.append((load, *(None if b is None else b / 1e3 for b in (ours, bare, squid)), times))
    limits = (("MB", 32, 1e6),) * 3 + (("MB each", 0.6, 1e6), ("kB each", 14, 1e3))
    targets = tuple(
        Target(f"{load}, {unit}", None if (load, "Tropa") not in grown else grown[load, "Tropa"] / size, limit)
        for load, (unit, limit, size) in zip(loads, limits, strict=True)
    )
    table = Table(title="Growth of resident memory", head=head, rows=tuple(rows))
    return Report(suite="memory", method=method, tables=(table,), targets=targets, left_out=tuple(left_out))
