"""Memory of Tropa's own process while 50 learners read films slowly: being made, made, and in segments."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import psutil

from bench import servers
from bench.processes import Process
from bench.suite import Report, Table, Target
from proxy.transforms.media.segments import segment_name
from tests.media_samples import FFMPEG, film

METHOD = (
    "method: a fresh process behind nginx with a film of {minutes} minutes ({megabytes:.0f} MB, 640 by 360). "
    "{learners} learners, each with a cookie of her own, ask for it\nin its place and read 64 kB/s through a receive "
    "buffer of 64 kB for {seconds} s, first while it is being made, then when it is. In segments:\nanother process, "
    "where a film of {long_minutes} minutes is made in segments: they wind to five places and read on from there. "
    "Resident memory\nof Tropa's own process, without its encoders, read 20 times a second: the peak less that after "
    "ten learners had the page."
)
_LEARNERS, _RATE, _POLICY, _SEGMENTS_POLICY = 50, 64_000, "school-adsl", "satellite-metered"
_LONG_S = 960  # from a quarter of an hour on films are made in segments
_PATIENCE_S = 600.0
_PLACES = 5  # where learners wind to: as many segments are made at once, and each is read by ten
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
        with servers.nginx(folder, www) as origin, servers.tropa(folder, origin, _SEGMENTS_POLICY) as (process, port):
            found |= asyncio.run(_in_segments(process, port, seconds))
    told = {"minutes": minutes, "megabytes": megabytes, "long_minutes": _LONG_S // 60}
    method = METHOD.format(learners=_LEARNERS, seconds=seconds, **told)
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
    shutil.copy(film(seconds=_LONG_S, width=320, height=240, fps=2, kbps=150), www / "long.mp4")
    (www / "long.html").write_text(_PAGE.replace("film.mp4", "long.mp4"))
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


async def _in_segments(process: Process, port: int, seconds: float) -> dict[str, tuple[int, int]]:
    own, names = psutil.Process(process.pid), [f"l{n}" for n in range(_LEARNERS)]
    films = [await asyncio.to_thread(_chosen, port, name) for name in names]
    before = own.memory_info().rss
    with _peak_above(own, before) as grown:
        places = [_LONG_S // 6 * (n % _PLACES) // _PLACES for n in range(_LEARNERS)]
        watched = (_watched(port, *one, seconds) for one in zip(names, films, places, strict=True))
        read = await asyncio.gather(*watched)
    return {f"{_LEARNERS} readers of a film in segments": (sum(read), grown[0])}


async def _watched(port: int, learner: str, base: str, first: int, seconds: float) -> int:
    """What one slow learner gets of the segments from this one on."""
    loop = asyncio.get_running_loop()
    over_s, got = loop.time() + seconds, 0
    for number in range(first, first + 100):
        if (left_s := over_s - loop.time()) <= 0:
            break
        got += await _read(port, learner, f"{base}/{segment_name(number)}", left_s)
    return got


def _chosen(port: int, learner: str) -> str:
    """Tap "smaller video" on the card, wait for the list of segments; what their addresses begin with."""
    page = _got(port, learner, "GET", "/long.html")[1]
    token = re.search(r'formaction="/\.tropa/make/capped"[^>]*value="([^"]+)"', page)
    if token is None:
        raise RuntimeError(f"no card: {page[:500]}")
    where = _got(port, learner, "POST", "/.tropa/make/capped", urlencode({"token": token[1]}))[0]
    for _ in range(600):
        if "hls/" in _got(port, learner, "GET", where)[1]:
            return f"{where}/hls"
        time.sleep(0.2)
    raise RuntimeError("no segments")


def _got(port: int, learner: str, method: str, path: str, body: str = "") -> tuple[str, str]:
    """(Location, body)"""
    asked = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Cookie": f"MoodleSession={learner}", "Accept": "text/html", "Sec-Fetch-Dest": "document"}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    with contextlib.closing(asked):
        asked.request(method, path, body=body or None, headers=headers)
        answer = asked.getresponse()
        return answer.getheader("Location", ""), answer.read().decode("utf-8", "replace")


async def _made(port: int) -> None:
    """Until the film has a length, and so is whole. Somebody goes on watching: what nobody waits for isn't made."""
    watching = asyncio.ensure_future(_read(port, "l0", "/film.mp4", _PATIENCE_S))
    async with asyncio.timeout(_PATIENCE_S):
        while b"accept-ranges" not in (await _head(port, "l0")).lower():
            await asyncio.sleep(0.5)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


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
