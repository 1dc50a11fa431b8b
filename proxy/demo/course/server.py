"""The sample course as a running server."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from proxy.demo.course import api, book, files, forum, live, login, pages, quiz, rooms, static_routes
from proxy.demo.course.assets import build_assets
from proxy.demo.course.catalog import COURSE_ID, COURSE_TITLE, SECTIONS, SITE_TITLE
from proxy.demo.course.receive import MAX_FILE_BYTES
from proxy.demo.course.state import CourseState
from proxy.demo.course.web import SITE, Site, render, site

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePage:
    """A page worth opening. `kind` says what is met there; `needs_login`: a guest is sent to the login page."""

    path: str
    title: str
    kind: str
    needs_login: bool = False


PAGES: tuple[CoursePage, ...] = (
    CoursePage(path="/", title=SITE_TITLE, kind="front"),
    CoursePage(path=f"/course/view.php?id={COURSE_ID}", title=COURSE_TITLE, kind="course"),
    *(
        CoursePage(path=a.path, title=a.title, kind=a.kind, needs_login=a.needs_login)
        for section in SECTIONS
        for a in section.activities
    ),
    CoursePage(path="/mod/forum/discuss.php?d=11", title="Обсуждение", kind="discussion"),
    CoursePage(path="/playback/presentation/2.3/m202-1700000001", title="Запись вебинара", kind="recording"),
    CoursePage(path="/login/index.php", title="Вход", kind="login"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCourse:
    """A course that answers until it is closed."""

    port: int
    base_url: str
    pages: tuple[CoursePage, ...]
    state: CourseState
    _runner: web.AppRunner
    _site: Site

    async def close(self) -> None:
        """Stop answering and drop what was uploaded."""
        await live.close_all(self._site)
        await self._runner.cleanup()
        shutil.rmtree(self.state.uploads_dir, ignore_errors=True)


@web.middleware
async def _explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give people a page of the portal instead of a bare status; programs keep the bare one."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPForbidden) as error:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        code = error.text or "error"
        return render(request, "error.html", title="Ошибка", status=error.status, code=code)


@web.middleware
async def _count_views(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever opens an activity's page may be said to have done it."""
    if request.path.startswith("/mod/") and request.path.endswith("/view.php"):
        site(request).state.note_view(request.path_qs)
    return await handler(request)


def _application(here: Site) -> web.Application:
    app = web.Application(client_max_size=MAX_FILE_BYTES, middlewares=[_explain_errors, _count_views])
    app[SITE] = here
    for module in (static_routes, pages, book, login, forum, quiz, live, rooms, api):
        app.add_routes(module.routes())
    return app


async def start_course(
    *,
    data_dir: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    players_base: str | None = None,
    clock: Callable[[], float] | None = None,
    public_url: str | None = None,
    journal: Path | None = None,
) -> RunningCourse:
    """Build what is missing in `data_dir` and answer on `host:port` (0: any free port).

    `players_base` replaces the hosts of embedded players: `BASE/www.youtube.com/embed/…`. `clock` gives seconds
    since the epoch (None: the machine's). `public_url` is the address the portal believes it has (None: from Host
    and X-Forwarded-Proto). `journal` gets a line of JSON for each accepted record. Raises FfmpegMissing, OSError.
    """
    await asyncio.to_thread(build_assets, data_dir)
    # The course stands apart from the product it is shown through, so it reads the clock by itself.
    now = clock or time.time  # noqa: TID251
    state = CourseState(clock=now, uploads_dir=Path(tempfile.mkdtemp(prefix="course-uploads-")), journal=journal)
    found = await asyncio.to_thread(files.index, data_dir)
    here = Site(
        state=state, files=found, data_dir=data_dir, public_url=public_url, players_base=players_base, clock=now
    )
    runner = web.AppRunner(_application(here), access_log=None, keepalive_timeout=75, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    bound = runner.addresses[0][1]
    name = f"[{host}]" if ":" in host else host
    return RunningCourse(
        port=bound, base_url=f"http://{name}:{bound}", pages=PAGES, state=state, _runner=runner, _site=here
    )
