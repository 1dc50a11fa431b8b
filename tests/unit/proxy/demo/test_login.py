"""Sessions of the sample course: who is in, who isn't, and who sees what."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from proxy.demo.course import USERS, RunningCourse
from tests.unit.proxy.demo.browsing import LESSON, Browser, log_in, page, text_of


async def test_login_changes_the_session_and_logout_ends_it(browser: Browser, course: RunningCourse) -> None:
    async with browser.get("/") as response:
        assert "HttpOnly" in response.headers["Set-Cookie"]
        before = response.cookies["MoodleSession"].value
    assert "Учитель математики (teacher1)" in await log_in(browser)
    after = {c.key: c.value for c in browser.cookie_jar}["MoodleSession"]
    assert after != before
    html = await page(browser, LESSON)
    key = re.search(r"logout\.php\?sesskey=([\w-]+)", html)
    assert key
    assert "Вы действительно хотите выйти" in await page(browser, "/login/logout.php?sesskey=wrong")
    assert "Гость" in await page(browser, f"/login/logout.php?sesskey={key.group(1)}")
    async with aiohttp.ClientSession(course.base_url, cookies={"MoodleSession": after}, auto_decompress=False) as thief:
        assert "teacher1" not in await page(thief, LESSON)


@pytest.mark.parametrize(("login", "password"), [("teacher1", "wrong"), ("director", "Metodika-1"), ("", "")])
async def test_wrong_names_and_passwords_are_refused(
    browser: Browser, course: RunningCourse, login: str, password: str
) -> None:
    html = await log_in(browser, login, password or "-")
    assert "Неверный логин или пароль" in html
    assert [entry.accepted for entry in course.state.logins] == [False]


async def test_a_login_without_its_token_is_refused_and_a_foreign_return_address_ignored(browser: Browser) -> None:
    data = {"username": "teacher1", "password": USERS["teacher1"].password, "logintoken": "forged"}
    async with browser.post("/login/index.php", data=data) as response:
        assert "устарела" in await text_of(response)
    assert "Личный кабинет" in await log_in(browser, wants="//evil.test/")


async def test_two_learners_never_see_each_others_names(course: RunningCourse) -> None:
    jars = [aiohttp.CookieJar(unsafe=True) for _ in range(2)]
    async with (
        aiohttp.ClientSession(course.base_url, cookie_jar=jars[0], auto_decompress=False) as one,
        aiohttp.ClientSession(course.base_url, cookie_jar=jars[1], auto_decompress=False) as two,
    ):
        await log_in(one, "teacher1")
        await log_in(two, "teacher2")
        for path in (LESSON, "/course/view.php?id=2"):
            first, second = await asyncio.gather(page(one, path), page(two, path))
            assert "(teacher1)" in first and "(teacher2)" not in first
            assert "(teacher2)" in second and "(teacher1)" not in second
