"""Memory of Tropa's own process while 50 learners read a film that is being made, and then the finished one, slowly."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil

from bench import servers
from bench.processes import Process
from bench.suite import Report, Table, Target
from tests.media_samples import FFMPEG, film

METHOD = (
    "method: a fresh process behind nginx with a film of {minutes} minutes ({megabytes:.0f} MB, 640 by 360). "
    "{learners} learners, each with a cookie of her own, ask for it\nin its place and read 64 kB/s through a receive "
    "buffer of 64 kB for {seconds} s, first while it is being made, then when it is. Resident\nmemory of Tropa's own "
    "process, without its encoders, read 20 times a second: the peak less that after ten learners had the page."
)
_LEARNERS, _RATE, _POLICY = 50, 64_000, "school-adsl"
_PAGE = (
    "<!doctype html><html><head><title>Film</title></head><body><video controls src='/film.mp4'></video></body></html>"
)


def run(*, quick: bool) -> Report:
    """Both loads, one after the other, on one process."""
    minutes, seconds = (2, 8.0) if quick else (20, 60.0)
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        www = folder / "www"
        www.mkdir()
        megabytes = _course(www, minutes)
        with servers.nginx(folder, www) as origin, servers.tropa(folder, origin, _POLICY) as (process, port):
            found = asyncio.run(_loads(process, port, seconds))
    method = METHOD.format(minutes=minutes, megabytes=megabytes, learners=_LEARNERS, seconds=seconds)
    rows = tuple((load, read / 1e6, grown / 1e6, grown / _LEARNERS / 1e3) for load, (read, grown) in found.items())
    head = ("load", "MB read", "growth, MB", "kB a learner")
    table = Table(title="Growth of resident memory while a film is read", head=head, rows=rows)
    targets = tuple(Target(f"{load}, MB", grown / 1e6, 48) for load, (_, grown) in found.items())
    return Report(suite="media_memory", method=method, tables=(table,), targets=targets, left_out=())


def _course(www: Path, minutes: int) -> float:
    """A page and a film: half a minute, over and over; its size in MB."""
    loops = ["-stream_loop", str(minutes * 2 - 1), "-i", str(film(seconds=30)), "-c", "copy", "-movflags", "+faststart"]
    subprocess.run([FFMPEG, "-v", "error", *loops, str(www / "film.mp4")], check=True, timeout=120)
    (www / "index.html").write_text(_PAGE)
    return (www / "film.mp4").stat().st_size / 1e6


async def _loads(process: Process, port: int, seconds: float) -> dict[str, tuple[int, int]]:
    own = psutil.Process(process.pid)
    for learner in range(10):
        await _read(port, f"warm{learner}", "/index.html", 5.0)
    found = {}
    for load in ("being made", "made"):
        if load == "made":
            await _made(port)
        with _peak_above(own, own.memory_info().rss) as grown:
            read = await asyncio.gather(*(_read(port, f"l{n}", "/film.mp4", seconds) for n in range(_LEARNERS)))
        found[f"{_LEARNERS} readers of a film {load}"] = (sum(read), grown[0])
    return found


async def _made(port: int) -> None:
    """Until the film has a length, and so is whole."""
    async with asyncio.timeout(600):
        while b"accept-ranges" not in (await _head(port, "l0")).lower():
            await asyncio.sleep(0.5)


async def _head(port: int, learner: str) -> bytes:
    async with _asked(port, learner, "/film.mp4", method="HEAD") as sock:
        return await asyncio.get_running_loop().sock_recv(sock, 65536)


async def _read(port: int, learner: str, path: str, seconds: float) -> int:
    """What one slow learner gets in this time."""
    loop = asyncio.get_running_loop()
    async with _asked(port, learner, path) as sock:
        begun_s, got = loop.time(), 0
        while (spent_s := loop.time() - begun_s) < seconds:
            if got >= _RATE * spent_s:
                await asyncio.sleep(0.1)
                continue
            try:
                chunk = await asyncio.wait_for(loop.sock_recv(sock, 16384), seconds - spent_s)
            except TimeoutError:
                break
            if not chunk:
                break
            got += len(chunk)
        return got


@contextlib.asynccontextmanager
async def _asked(port: int, learner: str, path: str, *, method: str = "GET") -> AsyncIterator[socket.socket]:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # what waits must wait in the proxy
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    with sock:
        await loop.sock_connect(sock, ("127.0.0.1", port))
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: MoodleSession={learner}\r\n"
        await loop.sock_sendall(
            sock, f"{head}Accept: */*\r\nSec-Fetch-Dest: video\r\nConnection: close\r\n\r\n".encode()
        )
        yield sock


@contextlib.contextmanager
def _peak_above(own: psutil.Process, before: int) -> Iterator[list[int]]:
    """While the block lasts: by how much its memory grew at most; the one value is there when the block is over."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            peak[0] = max(peak[0], own.memory_info().rss - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
