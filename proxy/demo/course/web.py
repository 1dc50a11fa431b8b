"""What every handler needs: the site, the visit's session, a page in the portal's frame, JSON, redirects.

Pages are `private, no-cache, no-transform` and packed with gzip where the browser takes it, as Moodle's are.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, select_autoescape

from proxy.demo.course import boilerplate
from proxy.demo.course.catalog import COURSE_ID, COURSE_TITLE, SECTIONS, SITE_SHORT, SITE_TITLE, Activity, section_of
from proxy.demo.course.files import StoredFile
from proxy.demo.course.state import CourseState, Session, User

REVISION = 1732000000
COOKIE = "MoodleSession"
PAGE_CACHE = "private, no-cache, must-revalidate, max-age=0, no-transform"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The running portal: what it remembers, what it serves, what it calls itself."""

    state: CourseState
    files: dict[str, StoredFile]
    data_dir: Path
    public_url: str | None
    players_base: str | None
    clock: Callable[[], float]
    sockets: dict[str, dict[str, web.WebSocketResponse]] = field(default_factory=dict)
    sids: dict[str, tuple[str, str, str]] = field(default_factory=dict)


SITE = web.AppKey("site", Site)
SESSION = web.RequestKey("session", Session)


def _size(value: int) -> str:
    return f"{value / 1048576:.1f} МБ".replace(".", ",") if value >= 1048576 else f"{max(1, value // 1024)} КБ"


def _environment() -> Environment:
    loader = FileSystemLoader(str(_HERE / "templates"))
    env = Environment(loader=loader, autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True)
    env.filters["size"] = _size
    env.policies["json.dumps_kwargs"] = {"separators": (",", ":")}  # as PHP writes it
    env.globals.update(rev=REVISION, sections=SECTIONS, course_id=COURSE_ID, course_title=COURSE_TITLE)
    env.globals.update(site_title=SITE_TITLE, site_short=SITE_SHORT, drawer_rows=boilerplate.DRAWER_ROWS)
    return env


_ENV = _environment()


def site(request: web.Request) -> Site:
    """The portal that answers this request."""
    return request.app[SITE]


def session_of(request: web.Request) -> Session:
    """The visit's session; a new guest's when the cookie is unknown."""
    if SESSION not in request:
        state = site(request).state
        request[SESSION] = state.session(request.cookies.get(COOKIE)) or state.open_session()
    return request[SESSION]


def user_of(request: web.Request) -> User | None:
    """Who is logged in, or None; opens no session."""
    known = site(request).state.session(request.cookies.get(COOKIE))
    return known.user if known is not None else None


def wwwroot(request: web.Request) -> str:
    """The portal's own address: as configured, else as the front says, else from Host."""
    configured = site(request).public_url
    if configured:
        return configured.rstrip("/")
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    return f"{scheme if scheme in {'http', 'https'} else 'http'}://{request.host}"


def require_login(request: web.Request) -> User:
    """The learner. Raises a redirect to the login page, which brings her back."""
    user = session_of(request).user
    if user is None:
        raise redirect(request, "/login/index.php?" + urlencode({"wantsurl": request.rel_url.raw_path_qs}))
    return user


def check_sesskey(request: web.Request, value: str) -> None:
    """Refuse a form that another site, or an older visit, made. Raises 403."""
    if value != session_of(request).sesskey:
        raise web.HTTPForbidden(text="invalidsesskey: Сеанс работы завершён, войдите ещё раз")


def set_cookie(response: web.StreamResponse, session: Session, *, secure: bool) -> None:
    """The visit's cookie, HttpOnly, for the whole site."""
    response.set_cookie(COOKIE, session.key, path="/", httponly=True, samesite="Lax", secure=secure)


def redirect(request: web.Request, path: str) -> web.HTTPSeeOther:
    """A 303 to a path of this portal, absolute as Moodle makes it, with the visit's cookie if it is new."""
    target = web.HTTPSeeOther(location=wwwroot(request) + path)
    target.headers["Cache-Control"] = PAGE_CACHE
    _remember(request, target)
    return target


def _remember(request: web.Request, response: web.StreamResponse) -> None:
    session = session_of(request)
    if request.cookies.get(COOKIE) != session.key:
        set_cookie(response, session, secure=wwwroot(request).startswith("https:"))


def packed(
    request: web.Request, body: bytes, content_type: str, *, status: int = 200, cache: str = PAGE_CACHE
) -> web.Response:
    """A response with gzip where it is accepted and pays."""
    headers = {"Content-Type": content_type, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if accepts_gzip(request) and len(body) > 500:
        body = gzip.compress(body, 6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, status=status, headers=headers)


def accepts_gzip(request: web.Request) -> bool:
    """Whether Accept-Encoding takes gzip (RFC 9110, section 12.5.3)."""
    for part in request.headers.get("Accept-Encoding", "").split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def json_reply(request: web.Request, value: Any, *, cache: str = "private, no-store, no-transform") -> web.Response:
    """JSON, never for shared caches unless said otherwise."""
    data = json.dumps(value, ensure_ascii=False).encode()
    return packed(request, data, "application/json; charset=utf-8", cache=cache)


def render(
    request: web.Request,
    template: str,
    *,
    title: str,
    activity: Activity | None = None,
    status: int = 200,
    calls: tuple[tuple[str, str, tuple[Any, ...]], ...] = (),
    **values: Any,
) -> web.Response:
    """A page in the portal's frame. `calls` are (module, function, arguments) that its scripts run."""
    framed = _framed(request, activity, calls)
    html = _ENV.get_template(template).render(title=title, **framed, **values)
    response = packed(request, html.encode(), "text/html; charset=utf-8", status=status)
    response.headers.update(boilerplate.PAGE_HEADERS)
    _remember(request, response)
    return response


def words_of(request: web.Request, activity: Activity, **values: Any) -> str:
    """What a page says, without the portal's frame: what its web services tell."""
    template = _ENV.get_template(activity.template)
    context = template.new_context({"title": activity.title, **_framed(request, activity, ()), **values})
    return "".join(template.blocks["main"](context))


def _framed(
    request: web.Request, activity: Activity | None, calls: tuple[tuple[str, str, tuple[Any, ...]], ...]
) -> dict[str, Any]:
    session, here = session_of(request), site(request)
    flat = list(boilerplate.ORDER)
    place = flat.index(activity) if activity is not None else -1
    return {
        "activity": activity,
        "section": section_of(activity) if activity is not None else None,
        "before": flat[place - 1] if place > 0 else None,
        "after": flat[place + 1] if 0 <= place < len(flat) - 1 else None,
        "user": session.user,
        "sesskey": session.sesskey,
        "root": wwwroot(request),
        "players": player_hosts(here.players_base),
        "files": here.files,
        "config": boilerplate.config(wwwroot(request), session, here.players_base),
        "strings": boilerplate.STRINGS,
        "calls": [("theme_boost/loader", "init", ()), ("media_videojs/loader", "setUp", ()), *calls],
        "body_class": boilerplate.body_class(activity),
        "asset": lambda name, component="mod_page", area="content": plugin_path(activity, name, component, area),
    }


def plugin_path(activity: Activity | None, name: str, component: str = "mod_page", area: str = "content") -> str:
    """The address of a stored file in an activity's file area."""
    context = 1000 + (activity.cmid if activity is not None else 0)
    return f"/pluginfile.php/{context}/{component}/{area}/3/{name}"


def player_hosts(base: str | None) -> Callable[[str], str]:
    """How an embedded player's address is made: the real host's, or a stand-in's with the host as first folder."""
    return lambda address: f"{base.rstrip('/')}/{address}" if base else f"https://{address}"
