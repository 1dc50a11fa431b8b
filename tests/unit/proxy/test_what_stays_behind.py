"""After a learner's hour the state folder and the log hold nothing that opens a session, a file or an account."""

from __future__ import annotations

import logging
import re
import stat
from pathlib import Path

import pytest
from aiohttp import web

from tests.serving import Served, served
from tests.unit.proxy.stages.test_images_and_texts import PHOTO, settled

SECRETS = ("S3-SESSION", "S3-PASSWORD", "S3-TOKEN", "S3-LOGIN", "S3-KEY", "S3-REFERER", "S3-PAGE", "olga.petrova")
BROWSER = {
    "Accept": "text/html",
    "Accept-Language": "ru",
    "Sec-Fetch-Dest": "document",
    "Cookie": "MoodleSession=S3-SESSION",
    "Authorization": "Bearer S3-LOGIN",
    "Referer": "http://127.0.0.1/x?key=S3-REFERER",
}
PICTURE = BROWSER | {"Accept": "image/webp,*/*", "Sec-Fetch-Dest": "image"}
FILM = BROWSER | {"Accept": "*/*", "Sec-Fetch-Dest": "video"}
PAGE = """<!DOCTYPE html><html><head><title>S3-PAGE of olga.petrova</title></head><body>
<video src="/film.mp4?token=S3-TOKEN"></video><img src="/a.jpg?token=S3-TOKEN"></body></html>"""
VISITS = (
    ("/my/?token=S3-TOKEN&user=olga.petrova", BROWSER),
    ("/a.jpg?token=S3-TOKEN", PICTURE),
    ("/tokenpluginfile.php/S3-TOKEN/1/a.jpg", PICTURE),
    ("/film.mp4?wstoken=S3-TOKEN", FILM),
    ("/film.mp4?wstoken=S3-TOKEN", BROWSER),
    ("/mod/chat/view.php?key=S3-KEY", BROWSER),
    ("/x;jsessionid=S3-SESSION?a=1", BROWSER),
    ("/.tropa/", BROWSER),
    ("/.tropa/mine", BROWSER),
)


async def portal(request: web.Request) -> web.Response:
    hers = {"Cache-Control": "private, max-age=600", "ETag": '"da39a3ee5e6b4b0d3255bfef95601890afd80709"'}
    if request.method == "POST":
        return web.Response(status=303, headers={"Location": "/my/?token=S3-TOKEN", "Set-Cookie": "s=S3-SESSION"})
    if request.path.endswith(".jpg"):
        return web.Response(body=PHOTO, content_type="image/jpeg", headers=hers)
    if request.path.endswith(".mp4"):
        return web.Response(body=bytes(100_000), content_type="video/mp4", headers={"ETag": '"1"'})
    return web.Response(text=PAGE, content_type="text/html")


async def an_hour(there: Served) -> None:
    page = ""
    for target, heads in VISITS:
        reply = await there.get(target, headers=heads)
        page = page or reply.body.decode()
    form = {"username": "olga.petrova", "password": "S3-PASSWORD"}
    await there.get("/login/index.php", "POST", data=form, headers=BROWSER)
    await there.get("/login/token.php?username=olga.petrova&password=S3-PASSWORD", "POST", headers=BROWSER)
    for action in ("original", "tonight", "report"):
        found = re.search(rf'action="/\.tropa/{action}".*?name="token" value="([^"]+)"', page, re.DOTALL)
        if found:
            await there.get(f"/.tropa/{action}", "POST", data={"token": found[1]}, headers=BROWSER)


@pytest.mark.parametrize("place", ["", "place: school"])
async def test_no_secret_of_a_session_is_on_the_disk_or_in_the_log(
    place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(tmp_path, portal, tropa=place) as there:
        await an_hour(there)
        await settled(there)
    files = [path for path in there.state_dir.rglob("*") if path.is_file()]
    assert any(path.parent.name == "log" for path in files) and any("cache" in path.parts for path in files)
    for path in files:
        assert [secret for secret in SECRETS if secret.encode() in path.read_bytes()] == [], path
    assert [secret for secret in SECRETS if secret in caplog.text] == []
    assert stat.S_IMODE(there.state_dir.stat().st_mode) == 0o700
