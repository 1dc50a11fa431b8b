"""What a mobile app speaks: a token, one REST entry, files by token. Errors are HTTP 200, as Moodle's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from proxy.demo.course import files
from proxy.demo.course.catalog import COURSE_ID, COURSE_TITLE, SECTIONS, SITE_TITLE, Activity
from proxy.demo.course.state import User
from proxy.demo.course.web import json_reply, plugin_path, site, wwwroot

_ATTACHED: dict[int, tuple[str, ...]] = {
    151: ("lekciya.mp4",),
    153: ("audiolekciya.mp3",),
    121: ("cikl-zanyatiya.png", "chasy-kursa.png"),
}


async def _parameters(request: web.Request) -> dict[str, str]:
    values = {key: str(value) for key, value in request.query.items()}
    if request.method == "POST":
        values |= {key: str(value) for key, value in (await request.post()).items()}
    return values


async def token(request: web.Request) -> web.Response:
    """`/login/token.php`: name and password for a token."""
    values = await _parameters(request)
    state = site(request).state
    user = state.check_password(values.get("username", ""), values.get("password", ""), how="api")
    if user is None:
        fault = {"error": "Неверный логин или пароль, попробуйте заново", "errorcode": "invalidlogin"}
        return json_reply(request, {**fault, "stacktrace": None, "debuginfo": None, "reproductionlink": None})
    return json_reply(request, {"token": state.issue_token(user), "privatetoken": None})


def _fault(code: str, message: str) -> dict[str, str]:
    return {"exception": "moodle_exception", "errorcode": code, "message": message}


def _site_info(request: web.Request, user: User, values: dict[str, str]) -> Any:
    return {
        "sitename": SITE_TITLE,
        "username": user.login,
        "firstname": "",
        "lastname": user.name,
        "fullname": user.name,
        "lang": "ru",
        "userid": user.id,
        "siteurl": wwwroot(request),
        "userpictureurl": f"{wwwroot(request)}/pluginfile.php/{user.id}/user/icon/boost/f1.png",
        "functions": [{"name": name, "version": "2024100700"} for name in _FUNCTIONS],
        "downloadfiles": 1,
        "uploadfiles": 1,
        "release": "4.5",
        "version": "2024100700",
    }


def _module(request: web.Request, activity: Activity) -> dict[str, Any]:
    names = (activity.file,) if activity.file else _ATTACHED.get(activity.cmid, ())
    component = "mod_resource" if activity.file else "mod_page"
    contents = [
        {
            "type": "file",
            "filename": name,
            "filepath": "/",
            "filesize": site(request).files[name].size_bytes,
            "fileurl": f"{wwwroot(request)}/webservice{plugin_path(activity, name, component)}?forcedownload=1",
            "mimetype": site(request).files[name].content_type,
            "timemodified": 1725177600,
        }
        for name in names
    ]
    return {
        "id": activity.cmid,
        "url": wwwroot(request) + activity.path,
        "name": activity.title,
        "modname": activity.module,
        "description": activity.note,
        "visible": 1,
        "contents": contents,
    }


def _contents(request: web.Request, user: User, values: dict[str, str]) -> Any:
    if values.get("courseid") != str(COURSE_ID):
        return _fault("invalidrecord", "Не удалось найти запись данных в таблице базы данных course.")
    return [
        {
            "id": s.number + 20,
            "name": s.title,
            "section": s.number,
            "summary": f"<p>{s.summary}</p>",
            "modules": [_module(request, a) for a in s.activities],
        }
        for s in SECTIONS
    ]


def _courses(request: web.Request, user: User, values: dict[str, str]) -> Any:
    return [{"id": COURSE_ID, "fullname": COURSE_TITLE, "shortname": "ДТ-72", "progress": 38, "visible": 1}]


_FUNCTIONS: dict[str, Callable[[web.Request, User, dict[str, str]], Any]] = {
    "core_webservice_get_site_info": _site_info,
    "core_course_get_contents": _contents,
    "core_enrol_get_users_courses": _courses,
}


async def rest(request: web.Request) -> web.Response:
    """`/webservice/rest/server.php`: one function by name."""
    values = await _parameters(request)
    user = site(request).state.token_owner(values.get("wstoken", ""))
    if user is None:
        return json_reply(request, _fault("invalidtoken", "Недопустимый токен: токен не найден"))
    function = _FUNCTIONS.get(values.get("wsfunction", ""))
    if function is None:
        return json_reply(request, _fault("invalidrecord", "Не удалось найти запись в таблице external_functions."))
    return json_reply(request, function(request, user, values))


async def token_file(request: web.Request) -> web.StreamResponse:
    """A stored file for the owner of a token, given in the query or in the path."""
    given = request.match_info.get("token") or request.query.get("token", "")
    if site(request).state.token_owner(given) is None:
        return json_reply(request, _fault("invalidtoken", "Недопустимый токен: токен не найден"))
    _, _, name = request.match_info["tail"].partition("/")
    stored = site(request).files.get(name)
    if stored is None:
        raise web.HTTPNotFound(text="filenotfound")
    return await files.send(request, stored)


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        web.post("/login/token.php", token),
        web.get("/webservice/rest/server.php", rest),
        web.post("/webservice/rest/server.php", rest),
        web.get(r"/webservice/pluginfile.php/{context:\d+}/{component}/{area}/{tail:.+}", token_file),
        web.get(r"/tokenpluginfile.php/{token}/{context:\d+}/{component}/{area}/{tail:.+}", token_file),
    ]
