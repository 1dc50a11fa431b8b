"""What is kept about her: read, taken away and forgotten by the learner herself."""

from __future__ import annotations

import json
import re
from pathlib import Path

from aiohttp import web

from tests.serving import Reply, Served, served

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Language": "ru"}
ANNA, BORIS = "MoodleSession=anna", "MoodleSession=boris"


async def origin(request: web.Request) -> web.Response:
    html = "<!DOCTYPE html><html><head><title>x</title></head><body>" + "<p>текст</p>" * 9000 + "</body></html>"
    return web.Response(text=html, content_type="text/html")


async def page(there: Served, cookie: str) -> str:
    return (await there.get("/.tropa/mine", headers=BROWSER | {"Cookie": cookie})).body.decode()


async def press(there: Served, cookie: str, action: str, html: str) -> Reply:
    token = re.search(rf'action="/\.tropa/{action}".*?name="token" value="([^"]+)"', html, re.DOTALL)
    assert token is not None, html
    return await there.get(f"/.tropa/{action}", "POST", headers=BROWSER | {"Cookie": cookie}, data={"token": token[1]})


async def told(there: Served, cookie: str) -> dict[str, object]:
    reply = await press(there, cookie, "mine", await page(there, cookie))
    assert reply.headers["Content-Disposition"] == 'attachment; filename="tropa-data.json"'
    assert reply.headers["Cache-Control"] == "no-store"
    found: dict[str, object] = json.loads(reply.body)
    return found


def addresses(held: dict[str, object]) -> list[str]:
    log = held.get("log", {})
    assert isinstance(log, dict)
    found = [line["url"].partition("://")[2].partition("/")[2] for line in log.get("exchanges", [])]
    return [path for path in found if not path.startswith(".tropa/")]


async def test_she_takes_what_is_hers_and_has_it_forgotten_and_nobody_else_loses_anything(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        await there.get("/course/anna", headers=BROWSER | {"Cookie": ANNA})
        await there.get("/course/boris", headers=BROWSER | {"Cookie": BORIS})
        hers, his = await told(there, ANNA), await told(there, BORIS)
        assert addresses(hers) == ["course/anna"]
        assert addresses(his) == ["course/boris"]
        done = await press(there, ANNA, "forget", await page(there, ANNA))
        assert done.status == 200 and "Стёрто" in done.body.decode()
        left = await told(there, ANNA)
        assert addresses(left) == []
        assert _used(left) > _used(hers) > 1000  # else forgetting would fill it again
        assert addresses(await told(there, BORIS)) == ["course/boris"]


def _used(held: dict[str, object]) -> int:
    counters = held["allowance_now"]
    assert isinstance(counters, dict)
    return int(counters["counters"][0]["used_bytes"])


async def test_anothers_button_changes_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        await there.get("/course/anna", headers=BROWSER | {"Cookie": ANNA})
        assert (await press(there, BORIS, "forget", await page(there, ANNA))).status == 409
        assert (await press(there, BORIS, "mine", await page(there, ANNA))).status == 409
        assert addresses(await told(there, ANNA)) == ["course/anna"]


async def test_where_learners_are_one_there_is_nothing_to_take(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        plain = {"Accept": "*/*"}  # no page of a browser's: no cookie, so her address stands for her
        html = (await there.get("/.tropa/mine", headers=plain)).body.decode()
        assert "/.tropa/forget" not in html
        assert (await there.get("/.tropa/mine", "POST", headers=plain, data={"token": "x"})).status == 409
