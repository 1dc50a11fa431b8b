"""Every page opens, with everything on it, under any name of the course."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from proxy.demo.course import PAGES, start_course
from tests.unit.proxy.demo.browsing import LESSON, Browser, field, log_in, page, text_of


async def test_every_page_opens_and_every_local_thing_on_it_exists(browser: Browser) -> None:
    await log_in(browser)
    things: set[str] = set()
    for one in PAGES:
        if one.kind in {"login", "download"}:
            continue
        html = await page(browser, one.path)
        assert "Учитель математики (teacher1)" in html, one.path
        things |= set(re.findall(r'(?:src|href|data|poster)="(/[^/"][^"]*)"', html))
    things = {t.replace("&amp;", "&") for t in things if "logout" not in t and "action=join" not in t}
    for address in sorted(things):
        async with browser.head(address, allow_redirects=True) as response:
            assert response.status == 200, address


@pytest.mark.parametrize("one", [p for p in PAGES if p.needs_login], ids=lambda p: p.kind)
async def test_a_page_that_needs_login_sends_there_and_comes_back(browser: Browser, one: Any) -> None:
    async with browser.get(one.path, allow_redirects=False) as response:
        assert response.status == 303
        target = urlsplit(response.headers["Location"])
    assert target.path == "/login/index.php"
    form = await page(browser, f"{target.path}?{target.query}")
    assert one.title in await log_in(browser, wants=field(form, "wantsurl"))


async def test_absolute_addresses_follow_the_host_and_the_front(browser: Browser) -> None:
    front = {"Host": "lms.region.test", "X-Forwarded-Proto": "https"}
    async with browser.get(LESSON, headers=front) as response:
        html = await text_of(response)
        assert "Secure" in response.headers["Set-Cookie"]
    assert 'href="https://lms.region.test/"' in html
    assert "127.0.0.1" not in html


async def test_a_configured_public_name_wins_over_the_host(course_dir: Path) -> None:
    running = await start_course(
        data_dir=course_dir, public_url="https://lms.example/", players_base="http://127.0.0.1:9"
    )
    async with aiohttp.ClientSession(running.base_url, auto_decompress=False) as browser:
        html = await page(browser, "/mod/page/view.php?id=161")
    await running.close()
    assert 'href="https://lms.example/course/view.php?id=2"' in html
    assert 'src="http://127.0.0.1:9/rutube.ru/play/embed/' in html


async def test_players_of_all_kinds_stand_on_their_pages(browser: Browser) -> None:
    html = await page(browser, "/mod/page/view.php?id=161")
    for host in ("www.youtube.com", "rutube.ru", "vkvideo.ru", "player.vimeo.com", "kinescope.io"):
        assert f'<iframe src="https://{host}/' in html
    assert "<object data=" in html and "<embed src=" in html
    script_made = await page(browser, "/mod/page/view.php?id=162")
    assert "<iframe" not in script_made and '"video/youtube"' in script_made and "data-youtube-id" in script_made


async def test_formulas_stand_on_one_page_only(browser: Browser) -> None:
    for one in PAGES:
        if one.kind in {"text", "formulas"}:
            marked = "filter_mathjaxloader_equation" in await page(browser, one.path)
            assert marked is (one.kind == "formulas"), one.path
