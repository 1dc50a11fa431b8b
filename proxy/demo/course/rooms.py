"""The pages around live rooms: the consultation (also without scripts), the webinar, its recordings."""

from __future__ import annotations

import hashlib
from typing import Any

from aiohttp import web

from proxy.demo.course import files
from proxy.demo.course.assets.slides import SLIDES
from proxy.demo.course.catalog import ACTIVITIES
from proxy.demo.course.live import lines_of, names_in, say, take_seat
from proxy.demo.course.pages import activity_of
from proxy.demo.course.recordings import recording_file
from proxy.demo.course.web import check_sesskey, redirect, render, require_login, site

CHAT, WEBINAR = ACTIVITIES[201], ACTIVITIES[202]
CHAT_ROOM, WEBINAR_ROOM = "chat-201", "webinar-202"
RECORDINGS: dict[str, str] = {
    "m202-1700000001": "Разбор практических работ, первая неделя",
    "m202-1700600002": "Разбор практических работ, вторая неделя",
    "m202-1701200003": "Ответы на вопросы перед тестом",
}


def _scripts(room_sid: str, ws: str, ajax: str) -> tuple[tuple[str, str, tuple[Any, ...]], ...]:
    return (("mod_chat/chat", "init", ({"sid": room_sid, "ws": ws, "ajax": ajax},)),)


async def chat(request: web.Request) -> web.Response:
    """The consultation's door: what it is, and the display name."""
    require_login(request)
    activity_of(request, "chat")
    return render(request, "chat.html", title=CHAT.title, activity=CHAT)


async def chat_room(request: web.Request) -> web.Response:
    """The consultation itself."""
    user = require_login(request)
    name = request.query.get("name", "").strip() or user.name
    sid = take_seat(request, CHAT_ROOM, name)
    calls = _scripts(sid, "/mod/chat/ws", "/mod/chat/chat_ajax.php")
    return render(request, "chatroom.html", title=CHAT.title, activity=CHAT, name=name, sid=sid, calls=calls)


async def chat_basic(request: web.Request) -> web.Response:
    """The consultation without scripts: a form and a list, read again by a button."""
    user, here = require_login(request), site(request)
    if request.method == "POST":
        form = await request.post()
        check_sesskey(request, str(form.get("sesskey", "")))
        text = str(form.get("message", "")).strip()
        if text:
            await say(here, CHAT_ROOM, user.name, text)
        raise redirect(request, "/mod/chat/gui_basic/index.php?id=201#last")
    lines, people = lines_of(here, CHAT_ROOM)[-50:], names_in(here, CHAT_ROOM)
    return render(request, "chatbasic.html", title=CHAT.title, activity=CHAT, lines=lines, people=people)


async def webinar(request: web.Request) -> web.Response:
    """The webinar's door and the list of its recordings."""
    require_login(request)
    activity_of(request, "bigbluebuttonbn")
    return render(request, "webinar.html", title=WEBINAR.title, activity=WEBINAR, recordings=RECORDINGS)


async def join(request: web.Request) -> web.Response:
    """`bbb_view.php?action=join`: a seat, then on to the room."""
    user = require_login(request)
    if request.query.get("action") != "join":
        raise web.HTTPNotFound(text="unknown action")
    sid = take_seat(request, WEBINAR_ROOM, user.name)
    raise redirect(request, f"/html5client/join?sessionToken={sid}")


async def room(request: web.Request) -> web.Response:
    """The room: slides, the speaker's video, the public chat."""
    require_login(request)
    sid = request.query.get("sessionToken", "")
    if sid not in site(request).sids:
        raise redirect(request, WEBINAR.path)
    calls = _scripts(sid, "/html5client/websocket", "/html5client/poll")
    return render(request, "room.html", title=WEBINAR.title, activity=WEBINAR, slides=SLIDES, sid=sid, calls=calls)


async def playback(request: web.Request) -> web.Response:
    """A recording: slides beside the webcam's video."""
    number = request.match_info["record"]
    if number not in RECORDINGS:
        raise web.HTTPNotFound(text="no such recording")
    return render(request, "playback.html", title=RECORDINGS[number], record=number, slides=SLIDES, activity=None)


async def presented(request: web.Request) -> web.StreamResponse:
    """Slides and webcam of a room or a recording."""
    kind, name = request.match_info["kind"], request.match_info["name"]
    wanted = "webcam.mp4" if kind == "video" else f"slide{int(name):02d}.png" if name.isdigit() else ""
    stored = site(request).files.get(wanted)
    if stored is None:
        raise web.HTTPNotFound(text="no such file")
    return await files.send(request, stored, cache="private, max-age=86400")


async def described(request: web.Request) -> web.Response:
    """One of the small files that say what a recording consists of."""
    title = RECORDINGS.get(request.match_info["record"])
    found = recording_file(request.match_info["name"], title) if title is not None else None
    if found is None:
        raise web.HTTPNotFound(text="no such file")
    text, content_type = found
    headers = {"ETag": f'"{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()}"'}
    return web.Response(text=text, content_type=content_type, headers=headers | {"Cache-Control": "private"})


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        web.get("/mod/chat/view.php", chat),
        web.get("/mod/chat/gui_ajax/index.php", chat_room),
        web.get("/mod/chat/gui_basic/index.php", chat_basic),
        web.post("/mod/chat/gui_basic/index.php", chat_basic),
        web.get("/mod/bigbluebuttonbn/view.php", webinar),
        web.get("/mod/bigbluebuttonbn/bbb_view.php", join),
        web.get("/html5client/join", room),
        web.get("/playback/presentation/2.3/{record}", playback),
        web.get("/presentation/{record}/{kind:slides|video}/{name}", presented),
        web.get("/presentation/{record}/{name}", described),
        web.get("/bigbluebutton/presentation/{record}/{kind:slides|video}/{name}", presented),
    ]
