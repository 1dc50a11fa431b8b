"""Rooms of the sample course: everybody hears what one says, by sockets, polling and plain forms."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from proxy.demo.course import RunningCourse
from tests.unit.proxy.demo.browsing import Browser, field, log_in, page, text_of


async def seat(browser: Browser, room: str) -> str:
    path = "/mod/chat/gui_ajax/index.php?id=201&name=Камчатка"
    html = await page(browser, "/mod/bigbluebuttonbn/bbb_view.php?action=join&id=202" if room == "webinar" else path)
    found = re.search(r'data-chat-sid="(\w+)"', html)
    assert found
    return found.group(1)


async def hear(ws: aiohttp.ClientWebSocketResponse, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            event: dict[str, Any] = await ws.receive_json()
            if wanted(event):
                return event


@pytest.mark.parametrize(("room", "address"), [("chat", "/mod/chat/ws"), ("webinar", "/html5client/websocket")])
async def test_everybody_in_a_room_hears_what_one_says(course: RunningCourse, room: str, address: str) -> None:
    jars = [aiohttp.CookieJar(unsafe=True) for _ in range(2)]
    async with (
        aiohttp.ClientSession(course.base_url, cookie_jar=jars[0], auto_decompress=False) as one,
        aiohttp.ClientSession(course.base_url, cookie_jar=jars[1], auto_decompress=False) as two,
    ):
        await log_in(one, "teacher1")
        await log_in(two, "teacher2")
        sids = await seat(one, room), await seat(two, room)
        async with (
            one.ws_connect(f"{address}?chat_sid={sids[0]}") as first,
            two.ws_connect(f"{address}?chat_sid={sids[1]}") as second,
        ):
            await hear(first, lambda e: e["type"] == "users")
            await first.send_json({"type": "message", "text": "Слышно?"})
            heard = await hear(second, lambda e: e.get("text") == "Слышно?")
            assert heard["name"] == ("Камчатка" if room == "chat" else "Учитель математики (teacher1)")
    assert "Слышно?" in [line.text for line in course.state.chat_lines]


async def test_a_chat_goes_on_by_polling_and_by_plain_forms(browser: Browser) -> None:
    await log_in(browser)
    sid = await seat(browser, "chat")
    html = await page(browser, "/mod/chat/gui_basic/index.php?id=201")
    key = field(html, "sesskey")
    async with browser.post(
        "/mod/chat/gui_basic/index.php?id=201", data={"sesskey": key, "message": "без скриптов"}
    ) as response:
        assert "без скриптов" in await text_of(response)
    data = {"chat_sid": sid, "sesskey": key, "chat_message": "опросом"}
    async with browser.post("/mod/chat/chat_ajax.php?action=chat", data=data) as response:
        assert response.status == 200
    data = {"chat_sid": sid, "sesskey": key, "chat_lastid": "0"}
    async with browser.post("/mod/chat/chat_ajax.php?action=update", data=data) as response:
        news = json.loads(await text_of(response))
    assert [m["text"] for m in news["msgs"]][-2:] == ["без скриптов", "опросом"]


async def test_a_stolen_seat_opens_no_socket(browser: Browser, course: RunningCourse) -> None:
    await log_in(browser)
    sid = await seat(browser, "chat")
    async with aiohttp.ClientSession(course.base_url) as stranger:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await stranger.ws_connect(f"/mod/chat/ws?chat_sid={sid}")
    assert refused.value.status == 403
