"""The shell's static files: packed beforehand, under revision addresses, kept by browsers for 90 days."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from proxy.demo.course.boilerplate import icon_map
from proxy.demo.course.web import REVISION, accepts_gzip, json_reply, packed, session_of, site

IMMUTABLE = "public, max-age=7776000, immutable"
_JS, _CSS = "application/javascript; charset=utf-8", "text/css; charset=utf-8"
_ICONS = Path(__file__).parent / "static" / "icons"
_SHELL: dict[str, tuple[str, str]] = {
    f"/lib/javascript.php/{REVISION}/lib/requirejs/first.js": ("first.js", _JS),
    f"/lib/javascript.php/{REVISION}/lib/babel-polyfill/polyfill.min.js": ("polyfill.js", _JS),
    f"/lib/javascript.php/{REVISION}/filter/mathjaxloader/MathJax.js": ("mathjax.js", _JS),
    f"/theme/styles.php/boost/{REVISION}_1/all": ("all.css", _CSS),
    "/theme/yui_combo.php": ("yui.js", _JS),
}


async def shell_file(request: web.Request) -> web.StreamResponse:
    """A script or style sheet of the shell."""
    name, kind = _SHELL[request.path]
    headers = {
        "Content-Type": kind,
        "Cache-Control": IMMUTABLE,
        "Vary": "Accept-Encoding",
        "ETag": f'"{REVISION}-{name}"',
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    folder = site(request).data_dir / "shell"
    if accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=(folder / f"{name}.gz").read_bytes(), headers=headers)
    return web.Response(body=(folder / name).read_bytes(), headers=headers)


async def web_font(request: web.Request) -> web.Response:
    """The text face; WOFF2 is packed by itself."""
    body = (site(request).data_dir / "shell" / "course-sans.woff2").read_bytes()
    headers = {"Content-Type": "font/woff2", "Cache-Control": IMMUTABLE, "Access-Control-Allow-Origin": "*"}
    return web.Response(body=body, headers=headers)


async def theme_image(request: web.Request) -> web.Response:
    """An icon: `/theme/image.php/boost/COMPONENT/REVISION/NAME`."""
    component, name = request.match_info["component"], request.match_info["name"]
    wanted = component if name == "monologo" else name.removeprefix("i/").removeprefix("f/")
    path = _ICONS / f"{'logo' if wanted == 'favicon' else wanted}.svg"
    if not wanted.isalnum() or not path.is_file():
        raise web.HTTPNotFound(text="no such image")
    return packed(request, path.read_bytes(), "image/svg+xml", cache=IMMUTABLE)


async def service(request: web.Request) -> web.Response:
    """The scripts' calls: counts of messages and the like."""
    if request.query.get("sesskey") != session_of(request).sesskey:
        error = {"message": "Сеанс работы завершён", "errorcode": "invalidsesskey", "link": ""}
        return json_reply(request, [{"error": True, "exception": error}])
    try:
        calls = await request.json()
        names = [str(call["methodname"]) for call in calls]
    except (ValueError, KeyError, TypeError) as error:
        raise web.HTTPBadRequest(text="invalid JSON") from error
    known = {
        "core_message_get_unread_conversations_count": 1,
        "core_session_touch": True,
        "core_fetch_notifications": [],
    }
    return json_reply(request, [{"error": False, "data": known.get(name)} for name in names])


async def service_nologin(request: web.Request) -> web.Response:
    """Calls that are the same for everybody and may be kept."""
    return json_reply(request, [{"error": False, "data": icon_map()}], cache=IMMUTABLE)


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        *(web.get(path, shell_file) for path in _SHELL),
        web.get("/theme/font.php/boost/core/{rev}/course-sans.woff2", web_font),
        web.get("/theme/image.php/boost/{component}/{rev}/{name:.+}", theme_image),
        web.post("/lib/ajax/service.php", service),
        web.get("/lib/ajax/service-nologin.php", service_nologin),
    ]
