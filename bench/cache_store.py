"""Memory, start and recovery of the store with 100,000 answers: a process that is killed, and one that opens after it.

`python -m bench.cache_store fill FOLDER COUNT` writes and goes on writing until it is killed; `… open FOLDER` prints
what opening cost as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.processes import ROOT, python
from bench.suite import Table, Target
from proxy.cache.object_index import ObjectIndex, Row
from proxy.cache.object_store import ObjectStore
from proxy.cache.stored import address_key
from proxy.clock import SystemClock

METHOD = (
    "store: an index of {count} answers as the store writes them (heads of a theme's picture; the bodies lie in files "
    "that opening doesn't touch), its process\nkilled (-9) while it writes; a new process opens it. Memory is the "
    "process's growth from before the opening until all keys are known."
)
_HEAD = json.dumps(
    [
        ["Content-Type", "image/svg+xml"],
        ["Cache-Control", "public, max-age=7776000, immutable"],
        ["Vary", "Accept-Encoding"],
        ["ETag", '"1700000000-icon"'],
        ["Date", "Sat, 28 Nov 2026 12:00:00 GMT"],
    ]
)
_MB = 1_000_000


def _row(number: int, now: float) -> Row:
    url = f"https://lms.example.org/theme/image.php/boost/core/1700000000/icon{number}"
    return Row(
        key=address_key(url, frozenset()),
        twin=b"",
        whose="shared",
        origin="lms",
        url=url,
        head=_HEAD,
        file=f"{number:024x}",
        length=2000,
        checks=b"\0" * 4,
        disk_bytes=4096,
        cost_s=0.6,
        came=now,
        lifetime=7_776_000.0,
        used=now,
        worth=float(number),
    )


def fill(folder: Path, count: int) -> None:
    """Write so many rows, say so, and go on until somebody ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    index, now = ObjectIndex(folder / "cache.sqlite"), SystemClock().now().timestamp()
    number = 0
    while True:
        index.put([_row(number, now)], most_twins=16)
        number += 1
        if number == count:
            print("full", flush=True)


def _rss_bytes() -> int:
    fields = Path("/proc/self/statm").read_text("ascii").split()
    return int(fields[1]) * resource.getpagesize()


async def _opened(folder: Path) -> dict[str, float]:
    store = ObjectStore(folder, max_bytes=10**12, clock=SystemClock())
    before, began = _rss_bytes(), time.perf_counter()
    await store.open()
    opened = time.perf_counter()
    url = "https://lms.example.org/theme/image.php/boost/core/1700000000/icon500"
    found = await store.find(address_key(url, frozenset()))
    first = time.perf_counter()
    await store.learn_keys()
    known = time.perf_counter()
    grown = _rss_bytes() - before
    await store.close()
    if not found or store.stats().faults:
        raise RuntimeError("the index was not found in order")
    return {"open_s": opened - began, "first_s": first - began, "known_s": known - began, "grown_bytes": grown}


def measure(*, quick: bool) -> tuple[Table, tuple[Target, ...]]:
    """A table, and whether it reaches what is to be reached."""
    count = 10_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name:
        folder = Path(name)
        _killed_while_it_writes(folder, count)
        after_kill = _open(folder)
        after_close = _open(folder)
    rows = tuple(
        (
            what,
            f"{1000 * run['open_s']:.0f}",
            f"{1000 * run['first_s']:.0f}",
            f"{1000 * run['known_s']:.0f}",
            f"{run['grown_bytes'] / _MB:.1f}",
        )
        for what, run in (("after kill -9", after_kill), ("after an orderly end", after_close))
    )
    head = (f"{count} answers", "opened, ms", "first answer found, ms", "all keys known, ms", "memory, MB")
    targets = (
        Target("recovery after kill -9, s (first answer found)", after_kill["first_s"], 1.0),
        Target("memory for 100,000 answers, MB", after_close["grown_bytes"] / _MB * 100_000 / count, 30.0),
    )
    return Table(title="the store", head=head, rows=rows), targets


def _killed_while_it_writes(folder: Path, count: int) -> None:
    argv = python("-m", "bench.cache_store", "fill", str(folder), str(count))
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)


def _open(folder: Path) -> dict[str, float]:
    argv = python("-m", "bench.cache_store", "open", str(folder))
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        print(json.dumps(asyncio.run(_opened(Path(sys.argv[2])))))
