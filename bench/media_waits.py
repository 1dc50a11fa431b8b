"""Who waits for an encoder: pages beside one and without, the first of a film that is cold and of one that is made."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from bench import servers
from bench.suite import Report, Table, Target
from tests.media_samples import FFMPEG, film

METHOD = (
    "method: one process behind nginx with a page of 40 kB and a film of {minutes} minutes (640 by 360); {policy}.\n"
    "{count} pages one after the other on one kept connection, {pause_ms:.0f} ms between them: at rest, then\n"
    "while the film is being made, which is looked for after them. A film's first: from the request in its place to\n"
    "the first `moof` (of a made one, its index) and the head of the first `mdat`: cold, with its source at nginx;\n"
    "when it is made, median of {rounds}."
)
_POLICY, _PAUSE_S, _ENOUGH_BYTES = "school-adsl", 0.02, 4 << 20
_PAGE = (
    "<!doctype html><html><head><title>Курс</title></head><body>"
    "<video controls src='/film.mp4'></video>{}</body></html>"
)
_LOOPED_S = 30
_Figures = tuple[float, float, float]  # median, 99th of a hundred, worst; milliseconds


def run(*, quick: bool) -> Report:
    """Both questions on one process."""
    minutes, count, rounds = (5, 60, 3) if quick else (15, 400, 9)
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        www = folder / "www"
        www.mkdir()
        _course(www, minutes)
        with servers.nginx(folder, www) as origin, servers.tropa(folder, origin, _POLICY) as (_, port):
            _pages(port, 20)  # what is made at the first visit is made
            pages = {"at rest": _figures(_pages(port, count))}
            with _being_made(port) as cold_s:
                pages["beside an encoder"] = _figures(_pages(port, count))
                busy = not _is_made(port)
            _await_made(port)
            warm_s = [_first_s(port, f"w{number}") for number in range(rounds)]
    return Report(
        suite="media_waits",
        method=METHOD.format(minutes=minutes, policy=_POLICY, count=count, pause_ms=1000 * _PAUSE_S, rounds=rounds),
        tables=(
            Table(
                title="A page, ms",
                head=("", "median", "99 of 100", "worst"),
                rows=tuple((what, *figures) for what, figures in pages.items()),
            ),
            Table(
                title="The first of a film through Tropa, s",
                head=("", "median", "worst"),
                rows=(("cold", cold_s[0], cold_s[0]), ("made", statistics.median(warm_s), max(warm_s))),
            ),
        ),
        targets=(
            # An encoder takes a core at the lowest precedence; a page that waited for it would wait for seconds.
            Target("99 of 100 pages beside an encoder, ms", pages["beside an encoder"][1] if busy else None, 100),
            Target("first of a cold film, s", cold_s[0], 2),
            Target("first of a made film, s", statistics.median(warm_s), 0.2),
        ),
        left_out=() if busy else ("pages beside an encoder: it was done before them",),
    )


def _course(www: Path, minutes: int) -> None:
    loops = ["-stream_loop", str(minutes * 60 // _LOOPED_S - 1), "-i", str(film(seconds=_LOOPED_S)), "-c", "copy"]
    argv = [FFMPEG, "-v", "error", *loops, "-movflags", "+faststart", str(www / "film.mp4")]
    subprocess.run(argv, check=True, timeout=120)
    (www / "index.html").write_text(_PAGE.format("<p>Страница курса.</p>" * 900), encoding="utf-8")


def _pages(port: int, count: int) -> list[float]:
    """Milliseconds to the whole of each."""
    headers = {"Cookie": "MoodleSession=reader", "Accept": "text/html", "Sec-Fetch-Dest": "document"}
    took_ms = []
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as asked:
        for _ in range(count):
            began_s = time.perf_counter()
            asked.request("GET", "/index.html", headers=headers)
            answer = asked.getresponse()
            body = answer.read()
            took_ms.append(1000 * (time.perf_counter() - began_s))
            if answer.status != 200 or b"tropa" not in body:
                raise RuntimeError(f"no page of Tropa's: {answer.status}")
            time.sleep(_PAUSE_S)
    return took_ms


def _figures(took_ms: list[float]) -> _Figures:
    ordered = sorted(took_ms)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))], ordered[-1]


@contextlib.contextmanager
def _being_made(port: int) -> Iterator[tuple[float]]:
    """While somebody watches a film that is made for her; the seconds that its first took."""
    with _asked(port, "watcher") as (began_s, answer):
        yield (_until_first(began_s, answer),)


def _first_s(port: int, learner: str) -> float:
    with _asked(port, learner) as (began_s, answer):
        return _until_first(began_s, answer)


@contextlib.contextmanager
def _asked(port: int, learner: str) -> Iterator[tuple[float, HTTPResponse]]:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as asked:
        began_s = time.perf_counter()
        headers = {"Cookie": f"MoodleSession={learner}", "Accept": "*/*", "Sec-Fetch-Dest": "video"}
        asked.request("GET", "/film.mp4", headers=headers)
        yield began_s, asked.getresponse()


def _until_first(began_s: float, answer: HTTPResponse) -> float:
    body = bytearray()
    while len(body) < _ENOUGH_BYTES:
        piece = answer.read1(16384)
        body += piece
        if b"moov" in body and b"mdat" in body[body.index(b"moov") :]:
            return time.perf_counter() - began_s
        if not piece:
            break
    raise RuntimeError(f"no film: {answer.status} {bytes(body[:60])!r}")


def _is_made(port: int) -> bool:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as asked:
        headers = {"Cookie": "MoodleSession=looker", "Accept": "*/*", "Sec-Fetch-Dest": "video"}
        asked.request("HEAD", "/film.mp4", headers=headers)
        return asked.getresponse().getheader("Accept-Ranges") is not None


def _await_made(port: int) -> None:
    over_s = time.monotonic() + 900
    with _asked(port, "watcher"):  # somebody must want it
        while not _is_made(port):
            if time.monotonic() > over_s:
                raise RuntimeError("the film isn't made in a quarter of an hour")
            time.sleep(0.5)
