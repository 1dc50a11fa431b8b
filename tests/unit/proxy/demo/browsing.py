"""A browser's visits to the sample course."""

from __future__ import annotations

import gzip
import re

import aiohttp

from proxy.demo.course import USERS
from proxy.demo.course.assets import photos

LESSON = "/mod/page/view.php?id=111"
PHOTO = f"/pluginfile.php/1131/mod_page/content/3/{photos.PHOTOS[0].name}"
Browser = aiohttp.ClientSession


async def text_of(response: aiohttp.ClientResponse) -> str:
    body = await response.read()
    return (gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body).decode()


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found.group(1)


async def page(browser: Browser, path: str) -> str:
    async with browser.get(path) as response:
        assert response.status == 200, (path, response.status)
        return await text_of(response)


async def log_in(browser: Browser, login: str = "teacher1", password: str | None = None, wants: str = "") -> str:
    form = await page(browser, "/login/index.php")
    data = {"username": login, "password": password or USERS[login].password, "wantsurl": wants}
    data["logintoken"] = field(form, "logintoken")
    async with browser.post("/login/index.php", data=data) as response:
        return await text_of(response)
