"""Posts and files of the sample course: whole, once, and by their sender alone."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import aiohttp
import pytest

from proxy.demo.course import RunningCourse
from tests.unit.proxy.demo.browsing import Browser, field, log_in, page, text_of


async def test_a_post_redirects_to_itself_and_keeps_its_attachment(browser: Browser, course: RunningCourse) -> None:
    await log_in(browser)
    html = await page(browser, "/mod/forum/discuss.php?d=11")
    form = aiohttp.FormData(quote_fields=False)  # browsers send names as they are
    for name in ("sesskey", "d", "reply", "itemid"):
        form.add_field(name, field(html, name))
    form.add_field("message", "У нас всё сохранилось.\n<b>Спасибо</b>")
    content = bytes(range(256)) * 300
    form.add_field("repo_upload_file", content, filename="тетрадь.jpg", content_type="image/jpeg")
    async with browser.post("/mod/forum/post.php", data=form, allow_redirects=False) as response:
        assert response.status == 303
        location = response.headers["Location"]
    (post,) = course.state.posts
    assert location.endswith(f"/mod/forum/discuss.php?d=11#p{post.id}")
    assert (post.login, post.uploads[0].sha256) == ("teacher1", hashlib.sha256(content).hexdigest())
    shown = await page(browser, "/mod/forum/discuss.php?d=11")
    assert "&lt;b&gt;Спасибо" in shown
    link = re.search(r'href="(/pluginfile\.php/1102/mod_forum/attachment/[^"]+)"', shown)
    assert link
    async with browser.get(link.group(1)) as response:
        assert await response.read() == content
        assert "filename*=UTF-8''" in response.headers["Content-Disposition"]


async def test_a_draft_file_goes_with_the_form_that_names_its_number(browser: Browser, course: RunningCourse) -> None:
    await log_in(browser)
    html = await page(browser, "/mod/assign/view.php?id=181")
    draft = aiohttp.FormData()
    draft.add_field("sesskey", field(html, "sesskey"))
    draft.add_field("itemid", field(html, "itemid"))
    draft.add_field("repo_upload_file", b"plan", filename="plan.docx")
    async with browser.post("/repository/repository_ajax.php?action=upload", data=draft) as response:
        assert json.loads(await text_of(response))["file"] == "plan.docx"
    fields = {"sesskey": field(html, "sesskey"), "itemid": field(html, "itemid")}
    async with browser.post("/mod/assign/view.php", data=fields) as response:
        assert "plan.docx" in await text_of(response)
    assert [u.filename for u in course.state.submissions] == ["plan.docx"]


@pytest.mark.parametrize("path", ["/mod/forum/post.php", "/mod/assign/view.php", "/mod/quiz/startattempt.php"])
async def test_a_form_with_another_sesskey_changes_nothing(browser: Browser, course: RunningCourse, path: str) -> None:
    await log_in(browser)
    async with browser.post(path, data={"sesskey": "forged", "d": "11", "message": "x"}) as response:
        assert response.status == 403
    assert (course.state.posts, course.state.submissions, course.state.attempts) == ((), (), ())


async def test_guests_cannot_post_or_upload(browser: Browser, course: RunningCourse) -> None:
    async with browser.post("/mod/forum/post.php", data={"message": "x"}, allow_redirects=False) as response:
        assert response.status == 303 and "/login/index.php" in response.headers["Location"]
    async with browser.post("/repository/repository_ajax.php", data={"a": "b"}) as response:
        assert json.loads(await text_of(response))["errorcode"] == "invalidsesskey"
    assert course.state.uploads == ()


async def test_the_journal_has_a_line_for_each_accepted_thing(
    browser: Browser, course: RunningCourse, tmp_path: Path
) -> None:
    await log_in(browser)
    html = await page(browser, "/mod/forum/discuss.php?d=12")
    data = {"sesskey": field(html, "sesskey"), "d": "12", "message": "Удобно."}
    async with browser.post("/mod/forum/post.php", data=data):
        pass
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["login", "post"]
    assert "password" not in str(lines)
