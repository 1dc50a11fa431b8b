"""A course of films, recordings and documents behind logins, and the learners who ask Tropa for them.

Laws of this file: the origin is careful (ranges, conditions, the content's own digest as its validator, private) and
counts what it was asked; a learner is a session of the course's, and nothing but HTTP is between her and Tropa.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from proxy.clock import OffsetClock
from proxy.pages.phrases import phrases
from tests.lecture_films import film
from tests.lecture_samples import clean
from tests.media_samples import kept
from tests.serving import Reply, Served

CONTENT = "/pluginfile.php/71/mod_page/content/1/"
PAGE = "/mod/page/view.php?id=7"
IN_ASSESSMENT = "/pluginfile.php/71/mod_quiz/intro/1/"
IN_PLAYER = "/pluginfile.php/71/mod_interactivevideo/content/1/"
_PATIENCE_S = 90.0  # machines that run tests may do much else
_TYPES = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "xml": "text/xml",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def lecture(seconds: float = 50) -> Path:
    """A film of a lecture: five frames a second, 360 lines, a slide every ten seconds or so."""

    def make(path: Path) -> None:
        sample = clean(3, seconds)
        film(sample, path, height_px=360, fps=5)

    return kept(f"lecture-{seconds:g}.mp4", make)


class Moved:
    """The machine's clock, moved while something runs."""

    def __init__(self, start: datetime) -> None:
        self._clock, self.by = OffsetClock(start), timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self.by

    def steady_s(self) -> float:
        return self._clock.steady_s() + self.by.total_seconds()


async def logged(there: Served, part: str, **wanted: Any) -> dict[str, Any]:
    """The last line of the access log about an address with `part` in it; it is written within a second."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            lines = [json.loads(line) for file in (there.state_dir / "log").glob("*") for line in _whole_lines(file)]
            fits = [one for one in lines if part in one["url"] and wanted.items() <= one.items()]
            if fits:
                return fits[-1]
            await asyncio.sleep(0.05)


def _whole_lines(file: Path) -> list[str]:
    return [line for line in file.read_text("utf-8").splitlines() if line.endswith("}")]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came to the course."""

    method: str
    path: str
    range: str
    learner: str


@dataclass
class MediaCourse:
    """The origin. files: path -> body; refused: session -> status for whatever is behind a login.

    gate    nothing of a film beyond `open_bytes` is sent while it is not set; gated: of this one alone
    silent  no file's head is sent while it is not set
    """

    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    gate: asyncio.Event | None = None
    silent: asyncio.Event | None = None
    open_bytes: int = 0
    gated: str = ""
    cache_control: str = "private, max-age=21600"
    page_control: str = "private"
    content_digests: bool = True

    def put(self, name: str, source: Path | bytes, folder: str = CONTENT) -> str:
        """Put a file into the course; its address."""
        path = folder + quote(name)
        self.files[path] = source if isinstance(source, bytes) else source.read_bytes()
        return path

    def with_page(self, *elements: str, path: str = PAGE) -> MediaCourse:
        body = "".join(f"<p>{element}</p>" for element in elements)
        self.pages[path] = f"<!DOCTYPE html><html><head><title>Урок</title></head><body>{body}</body></html>"
        return self

    def requests(self, path: str, method: str = "GET") -> list[Asked]:
        return [one for one in self.asked if one.path == path and one.method == method]

    def downloads(self, path: str) -> int:
        """How often the whole of a file was asked for, or the rest from an offset on."""
        return sum(1 for one in self.requests(path) if not re.fullmatch(r"bytes=0-\d+|bytes=-\d+", one.range))

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        learner = request.cookies.get("MoodleSession", "")
        self.asked.append(Asked(request.method, path, request.headers.get("Range", ""), learner))
        if request.raw_path in self.pages:
            return web.Response(
                text=self.pages[request.raw_path],
                content_type="text/html",
                headers={"Cache-Control": self.page_control},
            )
        if path not in self.files:
            return web.Response(status=200 if path.endswith("logout.php") else 404, text="")
        if self.silent is not None:
            await self.silent.wait()
        status = self.refused.get(learner)
        if status is not None:
            headers = {"Location": "/login/index.php"} if status in (302, 303) else {}
            return web.Response(status=status, headers=headers)
        return await self._file(request, path)

    async def _file(self, request: web.Request, path: str) -> web.StreamResponse:
        body = self.files[path]
        etag = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"' if self.content_digests else '"v1"'
        headers = {"ETag": etag, "Cache-Control": self.cache_control, "Accept-Ranges": "bytes"}
        headers["Content-Type"] = _TYPES[path.rpartition(".")[2]]
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""))
        status, first, last = 200, 0, len(body) - 1
        if found and request.headers.get("If-Range", etag) == etag:
            status = 206
            if found[1]:
                first, last = int(found[1]), min(int(found[2] or last), last)
            else:
                first = max(0, len(body) - int(found[2]))
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        answer = web.StreamResponse(status=status, headers=headers)
        answer.content_length = last + 1 - first
        await answer.prepare(request)
        if request.method != "HEAD":
            gate = self.gate if self.gated in ("", path) else None
            await self._send(answer, body[first : last + 1], gate)
        return answer

    async def _send(self, answer: web.StreamResponse, body: bytes, gate: asyncio.Event | None) -> None:
        for at in range(0, len(body), 65536):
            if gate is not None and at >= self.open_bytes:
                await gate.wait()
            await answer.write(body[at : at + 65536])


@dataclass
class Learner:
    """Somebody with a session of the course's and a browser of few words."""

    there: Served
    name: str
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, path: str, method: str = "GET", *, data: Mapping[str, str] | None = None, **more: str) -> Reply:
        told = {"Accept-Language": "ru", "Cookie": f"MoodleSession={self.name}", **self.headers}
        told |= {name.replace("_", "-"): value for name, value in more.items()}
        if data is not None:
            return await self.there.get(path, method, headers=told, data=dict(data))
        return await self.there.get(path, method, headers=told)

    async def read(self, path: str = PAGE) -> str:
        """A page as a person opens it."""
        return (await self.open(path)).body.decode()

    async def open(self, path: str, method: str = "GET", **more: str) -> Reply:
        return await self.ask(path, method, Accept="text/html,*/*;q=0.8", Sec_Fetch_Dest="document", **more)

    async def play(self, path: str, method: str = "GET", **more: str) -> Reply:
        """As a media element asks."""
        return await self.ask(path, method, Accept="*/*", Sec_Fetch_Dest="video", **more)

    async def post(self, path: str, token: str) -> Reply:
        return await self.ask(path, "POST", data={"token": token}, Accept="text/html")

    async def choose(self, version: str, page: str = PAGE) -> str:
        """Tap a version on a page's first card that has it; where that leads."""
        reply = await self.post(f"/.tropa/make/{version}", button(await self.read(page), f"make/{version}"))
        assert reply.status == 303, (reply.status, reply.body[:300])
        return str(reply.headers["Location"])

    async def until_ready(self, viewer: str) -> str:
        """Wait as her browser does, though more often; the viewer's page, with nothing left to be made."""
        growing = phrases("ru")("media.growing")
        return await self.until(viewer, lambda page: 'http-equiv="refresh"' not in page and growing not in page)

    async def until_ready_file(self, viewer: str) -> None:
        """Wait for a version that is a file and no page."""
        async with asyncio.timeout(_PATIENCE_S):
            while b'http-equiv="refresh"' in (await self.open(viewer)).body:
                await asyncio.sleep(0.1)

    async def until(self, path: str, seen: Callable[[str], bool]) -> str:
        async with asyncio.timeout(_PATIENCE_S):
            while not seen(page := await self.read(path)):
                await asyncio.sleep(0.1)
        return page

    async def until_whole(self, path: str, **more: str) -> Reply:
        """Ask as a player does, until the answer has a length and can be wound."""
        async with asyncio.timeout(_PATIENCE_S):
            while "Accept-Ranges" not in (reply := await self.play(path, **more)).headers:
                await asyncio.sleep(0.1)
        return reply

    async def until_smaller(self, path: str, than_bytes: int) -> Reply:
        """Ask until a whole answer is smaller than this."""
        async with asyncio.timeout(_PATIENCE_S):
            while len((reply := await self.until_whole(path)).body) >= than_bytes:
                await asyncio.sleep(0.1)
        return reply


def buttons(page: str, action: str) -> list[str]:
    """The tokens of a page's buttons for one action, as "make/sound" or "tonight"."""
    return re.findall(rf'formaction="/\.tropa/{action}"[^>]*value="([^"]+)"', page)


def button(page: str, action: str) -> str:
    found = buttons(page, action)
    assert found, f"no button {action} in {page}"
    return found[0]


def files_of(page: str, viewer: str) -> list[str]:
    """The addresses of a viewer's own files, as its page names them."""
    base = viewer.rpartition("/")[0] + "/"
    names = re.findall(r'(?:src|href|data-src)="([^":#?]+)(?:#[^"]*)?"', page)
    return list(dict.fromkeys(base + unquote(name) for name in names if not name.startswith("/")))
