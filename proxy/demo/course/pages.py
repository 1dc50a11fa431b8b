"""Reading: the front page, the course, its text pages, documents, the glossary, stored files."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proxy.demo.course import files
from proxy.demo.course.assets.photos import PHOTOS
from proxy.demo.course.assets.screens import SCREENS
from proxy.demo.course.assets.slides import SLIDES
from proxy.demo.course.catalog import ACTIVITIES, COURSE_ID, COURSE_TITLE, SITE_TITLE, Activity
from proxy.demo.course.glossary import ENTRIES
from proxy.demo.course.web import plugin_path, redirect, render, require_login, site, user_of

DOCUMENTS = (
    "programma-kursa.pdf",
    "pamyatka-podpisana.pdf",
    "plan-uroka.docx",
    "lekciya-6.pptx",
    "razdatochnye-materialy.zip",
)

SHOWN: dict[str, Any] = {"photos": PHOTOS, "screens": SCREENS, "slides": SLIDES, "documents": DOCUMENTS}


def activity_of(request: web.Request, module: str) -> Activity:
    """The activity that `?id=` names. Raises 404 when there is none of this module."""
    found = ACTIVITIES.get(int(request.query.get("id", "0") or 0)) if request.query.get("id", "0").isdigit() else None
    if found is None or found.module != module:
        raise web.HTTPNotFound(text="invalidcoursemodule")
    return found


async def front(request: web.Request) -> web.Response:
    """The portal's front page."""
    return render(request, "front.html", title=SITE_TITLE)


async def course(request: web.Request) -> web.Response:
    """The course with all its sections."""
    if request.query.get("id") != str(COURSE_ID):
        raise web.HTTPNotFound(text="invalidcourseid")
    return render(request, "course.html", title=COURSE_TITLE)


async def my(request: web.Request) -> web.Response:
    """The learner's own page."""
    require_login(request)
    return render(request, "my.html", title="Личный кабинет")


async def page(request: web.Request) -> web.Response:
    """A page of text, pictures or players."""
    activity = activity_of(request, "page")
    return render(request, activity.template, title=activity.title, activity=activity, **SHOWN)


async def resource(request: web.Request) -> web.Response:
    """A document: PDF is shown inside a page, all else goes straight to the file, archives as ones to keep."""
    activity = activity_of(request, "resource")
    target = plugin_path(activity, activity.file, "mod_resource")
    if request.query.get("redirect") == "1" or not activity.file.endswith(".pdf"):
        raise redirect(request, f"{target}?forcedownload=1" if target.endswith(".zip") else target)
    return render(request, "resource.html", title=activity.title, activity=activity, target=target)


async def glossary(request: web.Request) -> web.Response:
    """A list of terms with many small icons."""
    activity = activity_of(request, "glossary")
    return render(request, "glossary.html", title=activity.title, activity=activity, entries=ENTRIES)


async def stored_file(request: web.Request) -> web.StreamResponse:
    """`/pluginfile.php/CONTEXT/COMPONENT/AREA/…`: course content for all, learners' files for the logged in."""
    component, area = request.match_info["component"], request.match_info["area"]
    tail = request.match_info["tail"]
    if component == "user":
        return await files.send(request, site(request).files[f"face{1 + int(request.match_info['context']) % 8}.png"])
    if area in {"attachment", "submission_files"}:
        return await _learners_file(request, tail)
    _, _, name = tail.partition("/")
    stored = site(request).files.get(name)
    if stored is None:
        raise web.HTTPNotFound(text="filenotfound")
    return await files.send(request, stored)


async def _learners_file(request: web.Request, tail: str) -> web.StreamResponse:
    if user_of(request) is None:
        raise redirect(request, "/login/index.php")
    number = tail.split("/")[0]
    upload = next((u for u in site(request).state.uploads if str(u.id) == number), None)
    if upload is None:
        raise web.HTTPNotFound(text="filenotfound")
    return await files.send(request, files.describe(upload.path, upload.filename))


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        web.get("/", front),
        web.get("/index.php", front),
        web.get("/my/", my),
        web.get("/course/view.php", course),
        web.get("/mod/page/view.php", page),
        web.get("/mod/resource/view.php", resource),
        web.get("/mod/glossary/view.php", glossary),
        web.get(r"/pluginfile.php/{context:\d+}/{component}/{area}/{tail:.+}", stored_file),
    ]
