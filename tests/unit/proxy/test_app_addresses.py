"""The app's files and the browser's are the same files: had once, confirmed to each in her own name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from proxy.app_addresses import browser_targets, kept_targets, steady_target
from tests.serving import Reply, Served, served

KEY, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
STORED = "/pluginfile.php/31/mod_resource/content/4/a.zip"
STEADY = "/pluginfile.php/31/mod_resource/content/0/a.zip"
WIDE = "{down: 40 Mbit/s, up: 1 Mbit/s, rtt: 50 ms}"


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (f"/tokenpluginfile.php/{KEY}/31/mod_page/content/4/a.png", "/pluginfile.php/31/mod_page/content/0/a.png"),
        (f"/m/tokenpluginfile.php/{KEY}/31/a%20b.png?forcedownload=1&offline=1", "/m/pluginfile.php/31/a%20b.png"),
        (f"/webservice{STORED}?forcedownload=1&offline=1&token={KEY}", STEADY),
        (
            f"/webservice/pluginfile.php/9/mod_folder/content/12/b/a.pdf?token={KEY}",
            ".../9/mod_folder/content/0/b/a.pdf",
        ),
        (f"/webservice{STORED}?token={KEY}&preview=thumb", ""),
        (STORED, ""),
        (f"/webservice/rest/server.php?wstoken={KEY}", ""),
        (f"/webservice/pluginfile.php?file=/31/a.zip&token={KEY}", ""),
        (f"/mod/page/view.php?id=1&to=/webservice{STORED}", ""),
    ],
)
def test_the_apps_addresses_stand_for_browsers_ones(asked: str, kept: str) -> None:
    found = browser_targets(asked)
    assert (found[0] if found else "") == kept.replace("...", "/pluginfile.php")
    assert all(KEY not in one for one in found)


@given(st.text(alphabet="/tokenpluginfile.php?&=webservice01", max_size=80))
def test_no_address_breaks_it(target: str) -> None:
    assert len(browser_targets(target)) in (0, 3)


@dataclass
class Moodle:
    """A file as Moodle gives it: to a login or a token it knows, its validator the content's digest."""

    body: bytes = b"x" * 5000
    said: str = "private, max-age=21600, no-transform"
    bodies: int = 0
    asked: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.raw_path)
        if request.cookies.get("MoodleSession") != "anna" and KEY not in request.raw_path:
            told = {"error": "Invalid token", "errorcode": "invalidtoken"}
            return web.json_response(told, headers={"Cache-Control": "no-store"})
        tag = f'"{hashlib.sha1(self.body, usedforsecurity=False).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": self.said}
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        self.bodies += 1
        return web.Response(body=self.body, content_type="application/zip", headers=headers)


async def by_browser(there: Served, target: str) -> Reply:
    return await there.get(target, headers={"Cookie": "MoodleSession=anna", "Sec-Fetch-Dest": "document"})


async def by_app(there: Served, key: str = KEY, *, in_path: bool = True) -> Reply:
    how = f"/tokenpluginfile.php/{key}{STORED.removeprefix('/pluginfile.php')}?forcedownload=1&offline=1"
    return await there.get(how if in_path else f"/webservice{STORED}?forcedownload=1&offline=1&token={key}")


@pytest.mark.parametrize("how", ["", "?forcedownload=1", "?embed=1"])
async def test_what_a_browser_had_serves_the_app(tmp_path: Path, how: str) -> None:
    moodle = Moodle()
    async with served(tmp_path, moodle, policy="open", link=WIDE) as there:
        assert (await by_browser(there, STORED + how)).body == moodle.body
        for in_path in (True, False):
            assert (await by_app(there, in_path=in_path)).body == moodle.body
        assert moodle.bodies == 1 and len(moodle.asked) == 3, "each time the origin said yes"


async def test_a_file_whose_activity_was_saved_again_is_the_same_file(tmp_path: Path) -> None:
    """A teacher mends a word of a page: its pictures have new addresses, and are what they were."""
    moodle = Moodle()
    async with served(tmp_path, moodle, policy="open", link=WIDE) as there:
        assert (await by_browser(there, STORED)).body == moodle.body
        assert (await by_browser(there, STORED.replace("/4/", "/5/"))).body == moodle.body
        assert moodle.bodies == 1 and moodle.asked[1].endswith("/content/5/a.zip"), "asked for by its own address"
        moodle.body = b"y" * 5000
        assert (await by_browser(there, STORED.replace("/4/", "/6/"))).body == moodle.body
        assert (await by_browser(there, STORED)).body == moodle.body, "an old address leads to what is there now"


async def test_what_another_area_holds_is_another_file() -> None:
    for kept in ("/pluginfile.php/31/mod_book/chapter/4/a.png", "/pluginfile.php/31/mod_imscp/content/4/a.png"):
        assert kept_targets(kept, by_app=False) == () and steady_target(kept) == kept
    assert kept_targets("/mod/page/view.php?id=4", by_app=True) == ()


async def test_what_the_app_had_serves_browsers_and_no_token_is_kept(tmp_path: Path) -> None:
    moodle = Moodle()
    async with served(tmp_path, moodle, policy="open", link=WIDE) as there:
        assert (await by_app(there)).body == moodle.body
        assert (await by_browser(there, STORED)).body == moodle.body
        assert moodle.bodies == 1
    stored = b"".join(file.read_bytes() for file in (tmp_path / "state" / "cache").glob("*.sqlite*"))
    assert STEADY.encode() in stored and KEY.encode() not in stored


async def test_a_token_that_isnt_known_gets_the_origins_answer(tmp_path: Path) -> None:
    moodle = Moodle()
    async with served(tmp_path, moodle, policy="open", link=WIDE) as there:
        assert (await by_browser(there, STORED)).body == moodle.body
        assert b"invalidtoken" in (await by_app(there, OTHER)).body
        assert (await by_browser(there, STORED)).body == moodle.body
        assert moodle.bodies == 1, "and it spoils nobody's copy"


async def test_what_is_said_of_the_apps_address_is_said_of_no_other(tmp_path: Path) -> None:
    """Public by a token: a browser is let have it by the origin all the same."""
    moodle = Moodle(said="public, max-age=21600")
    async with served(tmp_path, moodle, policy="open", link=WIDE) as there:
        assert (await by_app(there)).body == moodle.body
        assert (await by_browser(there, STORED)).body == moodle.body
        assert (moodle.bodies, len(moodle.asked)) == (1, 2)
