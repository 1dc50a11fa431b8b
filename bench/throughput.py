"""Requests per second, added latency and CPU per request, beside a bare aiohttp relay, squid and mitmdump."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp
from PIL import Image

from bench import servers
from bench.figures import Load, load_of, paired_ratio
from bench.processes import Process, tool
from bench.suite import Report, Table, Target

METHOD = (
    "method: nginx static backend, one process per peer, all started at once and loaded in turn by wrk (1 "
    "thread, {connections} kept-alive\n"
    "connections, {seconds:g} s), {rounds} rounds interleaved, medians; ratios are medians of the rounds' "
    "ratios; CPU of the process tree per answered request."
)
_SCRIPT = Path(__file__).parent / "throughput.lua"
_WORKLOADS = {"1 KB": "/1k.bin", "50 KB": "/50k.bin", "cached image": "/photo.jpg"}
_Starter = Callable[[Path, int], AbstractContextManager[tuple[Process, int]]]
_PEERS: dict[str, _Starter] = {
    "relay": servers.relay,
    "Tropa": servers.tropa,
    "squid": servers.squid,
    "mitmdump": servers.mitmdump,
}


@dataclass(slots=True)
class Rounds:
    """What one peer did under one workload, round by round."""

    loads: list[Load] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    @property
    def rps(self) -> list[float]:
        return [load.requests_per_s for load in self.loads]

    def of(self, name: str) -> float:
        return median(float(getattr(load, name)) for load in self.loads)


def run(*, quick: bool) -> Report:
    """All peers over all workloads."""
    missing = [name for name in ("wrk", "nginx") if tool(name) is None]
    if missing:
        return Report(suite="throughput", method="", left_out=tuple(f"{name} is not installed" for name in missing))
    rounds, seconds, connections = (1, 1.0, 32) if quick else (5, 2.0, 32)
    left_out: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        backend = stack.enter_context(servers.nginx(folder, _www(folder)))
        peers: dict[str, tuple[Process | None, int]] = {"direct": (None, backend)}
        for peer, starter in _PEERS.items():
            try:
                peers[peer] = stack.enter_context(starter(folder, backend))
            except RuntimeError as error:
                left_out.append(f"{peer}: {str(error).splitlines()[0]}")
        _make_variant(peers["Tropa"][1])
        seen = _measure(peers, rounds, seconds, connections)
        alone = _measure({p: peers[p] for p in ("direct", "relay", "Tropa")}, rounds, min(seconds, 1.0), 1)
    return _report(seen, alone, METHOD.format(rounds=rounds, seconds=seconds, connections=connections), left_out)


def _www(folder: Path) -> Path:
    www = folder / "www"
    www.mkdir()
    (www / "1k.bin").write_bytes(b"x" * 1024)
    (www / "50k.bin").write_bytes(b"x" * 51200)
    # Photograph-like: smooth, with detail, so that its variant is smaller than itself.
    field_of_noise = Image.effect_noise((400, 300), 40).resize((1200, 900), Image.Resampling.BICUBIC)
    Image.merge("RGB", [field_of_noise, field_of_noise.rotate(90), field_of_noise.rotate(180)]).save(
        www / "photo.jpg", quality=88
    )
    return www


def _make_variant(port: int) -> None:
    """Ask until the adapted picture comes; what isn't ready goes out as the original."""
    import asyncio

    async def ask() -> str:
        async with aiohttp.ClientSession() as session:
            headers = {"Accept": "image/avif,image/webp,*/*;q=0.8"}
            async with session.get(f"http://127.0.0.1:{port}/photo.jpg", headers=headers) as answer:
                await answer.read()
                return answer.content_type

    for _ in range(40):
        if asyncio.run(ask()) != "image/jpeg":
            return
        time.sleep(0.25)
    raise RuntimeError("Tropa made no variant of the picture")


def _measure(
    peers: dict[str, tuple[Process | None, int]], rounds: int, seconds: float, connections: int
) -> dict[tuple[str, str], Rounds]:
    seen: dict[tuple[str, str], Rounds] = {}
    for number in range(rounds + 1):  # the first, short one only warms up
        for workload, path in _WORKLOADS.items():
            for peer, (process, port) in _turned(peers, number):
                if workload == "cached image" and peer not in ("direct", "Tropa"):
                    continue
                before = process.cpu_s() if process else 0.0
                load = _load(port, path, seconds if number else 0.5, connections)
                if number == 0:
                    continue
                kept = seen.setdefault((workload, peer), Rounds())
                kept.loads.append(load)
                spent = (process.cpu_s() - before) if process else 0.0
                kept.cpu_us.append(spent * 1e6 / max(1, load.requests))
    return seen


def _turned(peers: dict[str, tuple[Process | None, int]], by: int) -> Iterator[tuple[str, tuple[Process | None, int]]]:
    """Another first one each round."""
    items = list(peers.items())
    by %= len(items)
    yield from items[by:] + items[:by]


def _load(port: int, path: str, seconds: float, connections: int) -> Load:
    argv = [str(tool("wrk")), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    argv += ["-s", str(_SCRIPT), f"http://127.0.0.1:{port}{path}"]
    return load_of(subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout)


def _report(
    seen: dict[tuple[str, str], Rounds], alone: dict[tuple[str, str], Rounds], method: str, left_out: list[str]
) -> Report:
    head = (
        "",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "added p50",
        "added p99",
        "CPU µs/request",
        "requests/s Tropa/it",
        "CPU it/Tropa",
        "errors",
    )
    tables = []
    for title, runs in (("32 connections", seen), ("1 connection", alone)):
        for workload in _WORKLOADS:
            rows = tuple(_row(runs, workload, peer) for (w, peer) in runs if w == workload)
            tables.append(Table(title=f"{workload}, {title}", head=head, rows=rows))
    return Report(
        suite="throughput", method=method, tables=tuple(tables), targets=_targets(seen), left_out=tuple(left_out)
    )


def _row(seen: dict[tuple[str, str], Rounds], workload: str, peer: str) -> tuple[object, ...]:
    its, direct, ours = seen[workload, peer], seen[workload, "direct"], seen[workload, "Tropa"]
    added = [its.of(name) - direct.of(name) if peer != "direct" else None for name in ("p50_ms", "p99_ms")]
    times = paired_ratio(ours.rps, its.rps) if peer != "Tropa" else None
    cpu = median(its.cpu_us) if peer != "direct" else None
    errors = sum(load.errors for load in its.loads)
    cpu_times = paired_ratio(its.cpu_us, ours.cpu_us) if peer not in ("Tropa", "direct") else None
    return peer, median(its.rps), its.of("p50_ms"), its.of("p99_ms"), *added, cpu, times, cpu_times, errors


def _targets(seen: dict[tuple[str, str], Rounds]) -> tuple[Target, ...]:
    def times(workload: str, peer: str) -> float | None:
        if (workload, peer) not in seen:
            return None
        return paired_ratio(seen[workload, "Tropa"].rps, seen[workload, peer].rps)

    added = seen["cached image", "Tropa"].of("p95_ms") - seen["cached image", "direct"].of("p95_ms")
    return (
        Target("1 KB, requests/s, Tropa to relay", times("1 KB", "relay"), 0.7, at_least=True),
        Target("50 KB, requests/s, Tropa to relay", times("50 KB", "relay"), 0.7, at_least=True),
        Target("1 KB, requests/s, Tropa to mitmdump", times("1 KB", "mitmdump"), 6, at_least=True),
        Target("50 KB, requests/s, Tropa to mitmdump", times("50 KB", "mitmdump"), 6, at_least=True),
        Target("cached variant, added p95 at 32 connections, ms", added, 20),
    )
