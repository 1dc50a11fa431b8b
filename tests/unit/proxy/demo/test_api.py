"""What the LMS's app is told by the sample course."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from proxy.demo.course import USERS, RunningCourse
from proxy.demo.course.state import Post
from tests.unit.proxy.demo.browsing import Browser, text_of


async def rest(browser: Browser, **parameters: str) -> Any:
    async with browser.post("/webservice/rest/server.php?moodlewsrestformat=json", data=parameters) as response:
        assert response.status == 200
        return json.loads(await text_of(response))


async def test_the_app_gets_a_token_the_contents_and_the_files(browser: Browser) -> None:
    token = await app_token(browser)
    info = await rest(browser, wstoken=token, wsfunction="core_webservice_get_site_info")
    assert (info["username"], info["userid"]) == ("teacher2", 6)
    contents = await rest(browser, wstoken=token, wsfunction="core_course_get_contents", courseid="2")
    assert len(contents) == 12
    file = next(c for s in contents for m in s["modules"] for c in m["contents"])
    path = urlsplit(file["fileurl"]).path
    async with browser.get(f"{path}?token={token}") as response:
        assert len(await response.read()) == file["filesize"]
    async with browser.get(path.replace("/webservice/pluginfile.php", f"/tokenpluginfile.php/{token}")) as response:
        assert response.headers["ETag"].startswith('"')


async def test_a_book_is_told_as_its_contents_and_its_chapters_are_files(browser: Browser) -> None:
    token = await app_token(browser)
    contents = await rest(browser, wstoken=token, wsfunction="core_course_get_contents", courseid="2")
    [book] = [module for section in contents for module in section["modules"] if module["modname"] == "book"]
    structure, *files = book["contents"]
    rows = json.loads(structure["content"])
    assert [(row["href"], len(row["subitems"])) for row in rows] == [("41/index.html", 0), ("42/index.html", 1)]
    texts = [file for file in files if file["filename"] == "index.html"]
    assert [file["filepath"] for file in texts] == ["/41/", "/42/", "/44/"], "what is hidden isn't told of"
    path = urlsplit(texts[1]["fileurl"]).path
    async with browser.get(f"{path}?token={token}") as response:
        chapter = await text_of(response)
    assert 'src="cikl-zanyatiya.png"' in chapter
    async with browser.get(f"{path.replace('/42/', '/43/')}?token={token}") as response:
        assert response.status == 404
    async with browser.get(path.replace("/webservice", "").replace("index.html", "cikl-zanyatiya.png")) as response:
        assert (response.status, response.content_type) == (200, "image/png")
    hidden = await browser.get("/mod/book/view.php?id=154&chapterid=43")
    assert hidden.status == 404


async def test_a_discussion_is_told_with_what_was_written_last_first(browser: Browser, course: RunningCourse) -> None:
    token, said = await app_token(browser), "Проверка <связи>"
    course.state.add_post(
        Post(id=950, discussion=12, parent=0, login="teacher2", author="Учитель", subject="Re", message=said, at=2e9)
    )
    told = await rest(browser, wstoken=token, wsfunction="mod_forum_get_forum_discussions", forumid="102")
    first = told["discussions"][0]
    assert (first["discussion"], first["timemodified"], first["groupid"]) == (12, 2_000_000_000, -1)
    thread = await rest(browser, wstoken=token, wsfunction="mod_forum_get_discussion_posts", discussionid="12")
    assert thread["posts"][0]["message"] == "<p>Проверка &lt;связи&gt;</p>" and len(thread["posts"]) == 3


async def app_token(browser: Browser) -> str:
    data = {"username": "teacher2", "password": USERS["teacher2"].password, "service": "moodle_mobile_app"}
    async with browser.post("/login/token.php", data=data) as response:
        return str(json.loads(await text_of(response))["token"])


async def test_api_errors_are_json_with_status_200(browser: Browser) -> None:
    fault = await rest(browser, wstoken="none", wsfunction="core_course_get_contents")
    assert set(fault) == {"exception", "errorcode", "message"} and fault["errorcode"] == "invalidtoken"
    async with browser.post("/login/token.php", data={"username": "x", "password": "y"}) as response:
        assert (response.status, json.loads(await text_of(response))["errorcode"]) == (200, "invalidlogin")
