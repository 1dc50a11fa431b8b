"""What a mobile app speaks: a token, one REST entry, files by token. Errors are HTTP 200, as Moodle's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from proxy.demo.course import book, files
from proxy.demo.course.api_forum import discussions, forums, posts
from proxy.demo.course.api_texts import is_ours, pages, recordings
from proxy.demo.course.catalog import ACTIVITIES, COURSE_ID, COURSE_TITLE, SECTIONS, SITE_TITLE, Activity
from proxy.demo.course.state import User
from proxy.demo.course.web import json_reply, plugin_path, site, wwwroot

CURRENT_SECTION = 6  # the one that the teacher has highlighted
_MODIFIED = 1725177600
_ATTACHED: dict[int, tuple[str, ...]] = {
    151: ("lekciya.mp4",),
    153: ("audiolekciya.mp3",),
    121: ("cikl-zanyatiya.png", "chasy-kursa.png"),
}
_LINKED: dict[int, tuple[str, ...]] = {203: ("/playback/presentation/2.3/m202-1700000001",)}


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


def _file_fault(code: str, message: str) -> web.Response:
    """As Moodle's scripts for files fail: JSON with status 200, in another form than its services'."""
    told = {"error": message, "errorcode": code, "stacktrace": None, "debuginfo": None, "reproductionlink": None}
    return web.json_response(told, headers={"Cache-Control": "no-store, no-cache, must-revalidate"})


def _file_facts(request: web.Request, path: str, name: str) -> dict[str, Any]:
    stored = site(request).files[name]
    return {
        "type": "file",
        "filename": name.rpartition("/")[2],
        "filepath": "/",
        "filesize": stored.size_bytes,
        "fileurl": f"{wwwroot(request)}/webservice{path}",
        "mimetype": stored.content_type,
        "timemodified": _MODIFIED,
        "isexternalfile": False,
    }


def _contents_of(request: web.Request, activity: Activity) -> list[dict[str, Any]]:
    if activity is book.BOOK:
        return book.contents(request)
    names = (activity.file,) if activity.file else _ATTACHED.get(activity.cmid, ())
    component = "mod_resource" if activity.file else "mod_page"
    return [_file_facts(request, plugin_path(activity, name, component) + "?forcedownload=1", name) for name in names]


def _module(request: web.Request, activity: Activity) -> dict[str, Any]:
    links = "".join(f'<p><a href="{wwwroot(request)}{path}">{path}</a></p>' for path in _LINKED.get(activity.cmid, ()))
    return {
        "id": activity.cmid,
        "url": wwwroot(request) + activity.path,
        "name": activity.title,
        "instance": activity.cmid,
        "contextid": 1000 + activity.cmid,
        "modname": activity.module,
        "description": activity.note + links,
        "visible": 1,
        "visibleoncoursepage": 1,
        "uservisible": True,
        "availability": None,  # told to those who may see hidden activities
        "dates": [],
        "contents": _contents_of(request, activity),
    }


def _contents(request: web.Request, user: User, values: dict[str, str]) -> Any:
    if values.get("courseid") != str(COURSE_ID):
        return _fault("invalidrecord", "Не удалось найти запись данных в таблице базы данных course.")
    return [
        {
            "id": s.number + 20,
            "name": s.title,
            "visible": 1,
            "section": s.number,
            "summary": f"<p>{s.summary}</p>",
            "modules": [_module(request, a) for a in s.activities],
        }
        for s in SECTIONS
    ]


def _course_by_field(request: web.Request, user: User, values: dict[str, str]) -> Any:
    found = values.get("field") == "id" and values.get("value") == str(COURSE_ID)
    course = {"id": COURSE_ID, "fullname": COURSE_TITLE, "shortname": "ДТ-72", "format": "topics", "visible": 1}
    return {"courses": [{**course, "marker": CURRENT_SECTION, "startdate": _MODIFIED}] if found else [], "warnings": []}


def _courses(request: web.Request, user: User, values: dict[str, str]) -> Any:
    return [{"id": COURSE_ID, "fullname": COURSE_TITLE, "shortname": "ДТ-72", "progress": 38, "visible": 1}]


def _resources(request: web.Request, user: User, values: dict[str, str]) -> Any:
    """All of them are shown as Moodle does by itself (0)."""
    found = [one for one in ACTIVITIES.values() if one.module == "resource"] if is_ours(values) else []
    rows = [{"id": one.cmid, "coursemodule": one.cmid, "course": COURSE_ID, "display": 0} for one in found]
    return {"resources": rows, "warnings": []}


_FUNCTIONS: dict[str, Callable[[web.Request, User, dict[str, str]], Any]] = {
    "core_webservice_get_site_info": _site_info,
    "core_course_get_contents": _contents,
    "core_enrol_get_users_courses": _courses,
    "core_course_get_courses_by_field": _course_by_field,
    "mod_page_get_pages_by_courses": pages,
    "mod_resource_get_resources_by_courses": _resources,
    "mod_folder_get_folders_by_courses": lambda request, user, values: {"folders": [], "warnings": []},
    "mod_bigbluebuttonbn_get_recordings": recordings,
    "mod_forum_get_forums_by_courses": forums,
    "mod_forum_get_forum_discussions": discussions,
    "mod_forum_get_discussion_posts": posts,
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
    """A stored file for the owner of a token, given in the query or in the path; `forcedownload` is left unread."""
    given = request.match_info.get("token") or request.query.get("token", "")
    if site(request).state.token_owner(given) is None:
        return _file_fault("invalidtoken", "Недопустимый токен: токен не найден")
    if request.match_info["area"] == "attachment":
        number = request.match_info["tail"].split("/")[0]
        upload = next((u for u in site(request).state.uploads if str(u.id) == number), None)
        if upload is None:
            raise web.HTTPNotFound(text="filenotfound")
        return await files.send(request, files.describe(upload.path, upload.filename), forced=False)
    number, _, name = request.match_info["tail"].partition("/")
    if request.match_info["component"] == "mod_book" and name == "index.html":
        return _chapter(number)
    stored = site(request).files.get(name)
    if stored is None:
        raise web.HTTPNotFound(text="filenotfound")
    return await files.send(request, stored, forced=False)


def _chapter(number: str) -> web.Response:
    markup = book.chapter_file(number)
    if markup is None:
        raise web.HTTPNotFound(text="filenotfound")
    return web.Response(text=markup, content_type="text/html", charset="utf-8")


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        web.post("/login/token.php", token),
        web.get("/webservice/rest/server.php", rest),
        web.post("/webservice/rest/server.php", rest),
        web.get(r"/webservice/pluginfile.php/{context:\d+}/{component}/{area}/{tail:.+}", token_file),
        web.get(r"/tokenpluginfile.php/{token}/{context:\d+}/{component}/{area}/{tail:.+}", token_file),
    ]
