"""Rooms where people write to each other now: WebSocket, and asking again and again where that can't pass.

A seat (`chat_sid`) is given to a logged-in learner who enters a room; it carries her display name.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import Any

from aiohttp import WSMsgType, web

from proxy.demo.course.receive import read_form
from proxy.demo.course.state import ChatLine
from proxy.demo.course.web import Site, check_sesskey, json_reply, session_of, site

MAX_LINE_CHARS = 2000
_SEND_DEADLINE_S = 5.0
_MAX_SEATS = 5000


def take_seat(request: web.Request, room: str, name: str) -> str:
    """A seat for this visit in `room`; the first one in finds a greeting."""
    here = site(request)
    while len(here.sids) >= _MAX_SEATS:
        del here.sids[next(iter(here.sids))]
    if not lines_of(here, room):
        here.state.add_chat_line(room, "Методист", "Добрый день! Пишите вопросы, отвечаю по порядку.", system=False)
    sid = secrets.token_hex(12)
    here.sids[sid] = (room, name[:80], session_of(request).key)
    return sid


def lines_of(here: Site, room: str, after: int = 0) -> list[ChatLine]:
    """The room's lines with a number above `after`."""
    return [line for line in here.state.chat_lines if line.room == room and line.id > after]


def names_in(here: Site, room: str) -> list[str]:
    """Who is in the room by WebSocket, and the host."""
    return ["Методист (ведущий)", *sorted({here.sids[s][1] for s in here.sockets.get(room, {}) if s in here.sids})]


def _event(line: ChatLine) -> dict[str, Any]:
    return {"type": "message", "id": line.id, "name": line.name, "text": line.text, "system": line.system}


async def _broadcast(here: Site, room: str, event: dict[str, Any]) -> None:
    """Send to everybody at once; who can't take it within the deadline is let go, so that nobody waits for her."""
    text = json.dumps(event, ensure_ascii=False)
    sockets = list(here.sockets.get(room, {}).items())

    async def hand(sid: str, socket: web.WebSocketResponse) -> None:
        try:
            await asyncio.wait_for(socket.send_str(text), _SEND_DEADLINE_S)
        except (ConnectionError, TimeoutError, RuntimeError):
            here.sockets.get(room, {}).pop(sid, None)

    await asyncio.gather(*(hand(sid, socket) for sid, socket in sockets))


async def say(here: Site, room: str, name: str, text: str, *, system: bool = False) -> ChatLine:
    """Enter a line and send it to the room."""
    line = here.state.add_chat_line(room, name, text[:MAX_LINE_CHARS], system=system)
    await _broadcast(here, room, _event(line))
    return line


def _seat(request: web.Request, sid: str) -> tuple[str, str]:
    seat = site(request).sids.get(sid)
    if seat is None or session_of(request).user is None or seat[2] != session_of(request).key:
        raise web.HTTPForbidden(text="invalidsid")
    return seat[0], seat[1]


async def socket(request: web.Request) -> web.StreamResponse:
    """The room's WebSocket: history first, then every line as it is written."""
    here, sid = site(request), request.query.get("chat_sid", "")
    room, name = _seat(request, sid)
    ws = web.WebSocketResponse(heartbeat=30, max_msg_size=64 * 1024)
    await ws.prepare(request)
    with contextlib.suppress(ConnectionError):
        for line in lines_of(here, room):
            await ws.send_json(_event(line))
    here.sockets.setdefault(room, {})[sid] = ws
    try:
        await say(here, room, name, "вошёл в комнату", system=True)
        await _broadcast(here, room, {"type": "users", "users": names_in(here, room)})
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await _heard(here, room, name, message.data)
    finally:
        here.sockets.get(room, {}).pop(sid, None)
        await say(here, room, name, "вышел из комнаты", system=True)
        await _broadcast(here, room, {"type": "users", "users": names_in(here, room)})
    return ws


async def _heard(here: Site, room: str, name: str, data: str) -> None:
    with contextlib.suppress(ValueError, AttributeError):
        message = json.loads(data)
        text = str(message.get("text", "")).strip()
        if message.get("type") == "message" and text:
            await say(here, room, name, text)


async def ajax(request: web.Request) -> web.Response:
    """The other way: `action=update` answers what is new, `action=chat` says a line."""
    form = await read_form(request)
    check_sesskey(request, form.fields.get("sesskey", ""))
    room, name = _seat(request, form.fields.get("chat_sid", ""))
    here = site(request)
    if request.query.get("action") == "chat":
        text = form.fields.get("chat_message", "").strip()
        if text:
            await say(here, room, name, text)
        return json_reply(request, True)
    new = lines_of(here, room, form.number("chat_lastid"))
    return json_reply(request, {"msgs": [_event(line) for line in new], "users": names_in(here, room)})


def routes() -> list[web.RouteDef]:
    """The chat's and the webinar's addresses for the same two ways."""
    return [
        web.get("/mod/chat/ws", socket),
        web.post("/mod/chat/chat_ajax.php", ajax),
        web.get("/html5client/websocket", socket),
        web.post("/html5client/poll", ajax),
    ]


async def close_all(here: Site) -> None:
    """Say goodbye to everybody; for the server's end."""
    for room in list(here.sockets.values()):
        for ws in list(room.values()):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await ws.close(code=1001, message=b"server closes")
