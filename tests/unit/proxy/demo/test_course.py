"""The sample course behaves and weighs like a real LMS."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from PIL import ExifTags, Image, ImageFont

from proxy.demo.course import PAGES, USERS, RunningCourse, start_course
from proxy.demo.course.assets import documents, drawing, filler, photos, shell
from proxy.demo.course.state import Post

LESSON = "/mod/page/view.php?id=111"
PHOTO = f"/pluginfile.php/1131/mod_page/content/3/{photos.PHOTOS[0].name}"
SHELL_GZIP_BYTES = {
    "/lib/requirejs/first.js": 675_000,
    "/theme/styles.php": 158_000,
    "course-sans.woff2": 157_000,
    "/theme/yui_combo.php": 84_000,
    "MathJax.js": 64_000,
    "/polyfill.min.js": 61_000,
}
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


# --- weight -----------------------------------------------------------------------------------------------------


async def test_the_shell_of_a_page_weighs_what_an_lms_shell_weighs(browser: Browser) -> None:
    html = await page(browser, LESSON)
    addresses = re.findall(r'(?:src|href)="(/(?:lib|theme)/[^"]+)"', html)
    for part, expected in SHELL_GZIP_BYTES.items():
        address = next(a for a in addresses if part in a)
        async with browser.get(address, headers={"Accept-Encoding": "gzip"}) as response:
            size = len(await response.read())
        assert abs(size - expected) <= expected * 0.1, (part, size)


async def test_a_cold_text_page_moves_about_one_and_a_quarter_megabytes(browser: Browser) -> None:
    packing = {"Accept-Encoding": "gzip"}
    async with browser.get(LESSON, headers=packing) as response:
        body = await response.read()
    html = gzip.decompress(body).decode()
    assert 58_000 <= len((await page(browser, "/mod/page/view.php?id=101")).encode()) <= 72_000
    total, seen = len(body), set(re.findall(r'(?:src|href)="(/(?:lib|theme|pluginfile)[^"]+)"', html))
    for address in seen:
        async with browser.get(address, headers=packing) as response:
            assert response.status == 200, address
            total += len(await response.read())
    assert 1_170_000 <= total <= 1_320_000, total


def test_filler_compresses_like_minified_code_and_is_the_same_each_time() -> None:
    part = next(p for p in shell.PARTS if p.name == "yui.js")
    first, second = shell.make(part), shell.make(part)
    assert first == second
    assert 2.9 <= len(first) / len(gzip.compress(first, 6)) <= 3.8
    assert filler.script(b"", seed=1, gzip_bytes=9_000) != filler.script(b"", seed=2, gzip_bytes=9_000)


@pytest.mark.skipif(shutil.which("node") is None, reason="node checks that the generated scripts parse")
@pytest.mark.parametrize("name", [p.name for p in shell.PARTS if p.name.endswith(".js")])
def test_generated_scripts_parse(course_dir: Path, name: str) -> None:
    subprocess.run(["node", "--check", str(course_dir / "shell" / name)], check=True, capture_output=True)


def test_the_web_font_is_a_real_font_with_cyrillic(course_dir: Path) -> None:
    face = ImageFont.truetype(str(course_dir / "shell" / "course-sans.woff2"), 40)
    assert face.getmask("Ж").getbbox() != face.getmask("\ue000").getbbox()


# --- caching ----------------------------------------------------------------------------------------------------


async def test_pages_are_private_and_no_transform_and_static_revisions_immutable(browser: Browser) -> None:
    async with browser.get(LESSON) as response:
        assert {"private", "no-cache", "no-transform"} <= set(response.headers["Cache-Control"].split(", "))
    async with browser.get("/theme/styles.php/boost/1732000000_1/all") as response:
        assert response.headers["Cache-Control"] == "public, max-age=7776000, immutable"


@pytest.mark.parametrize(
    ("accepts", "packed"), [("gzip, br", True), ("identity", False), ("gzip;q=0", False), ("*", True)]
)
async def test_gzip_is_used_only_where_it_is_accepted(browser: Browser, accepts: str, packed: bool) -> None:
    for path in (LESSON, "/theme/yui_combo.php?rollup/3.18.1/yui-moodlesimple-min.js"):
        async with browser.get(path, headers={"Accept-Encoding": accepts}) as response:
            assert (response.headers.get("Content-Encoding") == "gzip") is packed
            assert response.headers["Vary"] == "Accept-Encoding"
            await text_of(response)


async def test_a_stored_files_etag_is_its_sha1_and_a_match_answers_304(browser: Browser) -> None:
    async with browser.get(PHOTO) as response:
        body = await response.read()
        etag = response.headers["ETag"]
        assert response.headers["Cache-Control"] == "private, max-age=21600, no-transform"
        assert response.headers["Content-Type"] == "image/jpeg"
    assert etag == f'"{hashlib.sha1(body).hexdigest()}"'
    for sent in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        async with browser.get(PHOTO, headers={"If-None-Match": sent, "Range": "bytes=0-9"}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    ("asked", "status", "window"),
    [
        ("bytes=0-99", 206, (0, 100)),
        ("bytes=100-", 206, (100, None)),
        ("bytes=-50", 206, (-50, None)),
        ("bytes=5-999999999", 206, (5, None)),
        ("bytes=999999999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-5", 200, (0, None)),
        ("bytes=0-1,4-5", 200, (0, None)),
        ("lines=1-2", 200, (0, None)),
    ],
)
async def test_ranges_are_answered_as_rfc_9110_says(
    browser: Browser, course_dir: Path, asked: str, status: int, window: tuple[int, int | None] | None
) -> None:
    whole = (course_dir / "documents" / "pamyatka-podpisana.pdf").read_bytes()
    async with browser.get(
        "/pluginfile.php/1172/mod_resource/content/3/pamyatka-podpisana.pdf", headers={"Range": asked}
    ) as response:
        body = await response.read()
    assert response.status == status
    if window is None:
        assert response.headers["Content-Range"] == f"bytes */{len(whole)}"
        return
    assert body == whole[slice(*window)]
    if status == 206:
        first = window[0] % len(whole)
        assert response.headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"


async def test_if_range_with_another_validator_gives_the_whole_file(browser: Browser) -> None:
    path = "/pluginfile.php/1173/mod_resource/content/3/plan-uroka.docx"
    async with browser.head(path) as response:
        size, etag = int(response.headers["Content-Length"]), response.headers["ETag"]
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert await response.read() == b""
    for condition, status, length in ((etag, 206, 10), ('"stale"', 200, size)):
        async with browser.get(path, headers={"Range": "bytes=0-9", "If-Range": condition}) as response:
            assert (response.status, len(await response.read())) == (status, length)


# --- pages ------------------------------------------------------------------------------------------------------


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


# --- visits -----------------------------------------------------------------------------------------------------


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


# --- forum and files --------------------------------------------------------------------------------------------


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


# --- quiz -------------------------------------------------------------------------------------------------------


async def begin_quiz(browser: Browser) -> tuple[str, str]:
    await log_in(browser)
    html = await page(browser, "/mod/quiz/view.php?id=191")
    async with browser.post("/mod/quiz/startattempt.php", data={"sesskey": field(html, "sesskey")}) as response:
        attempt = await text_of(response)
    return field(attempt, "attempt"), field(attempt, "sesskey")


async def test_quiz_answers_are_autosaved_shown_again_and_marked(
    browser: Browser, course: RunningCourse, hands: Any
) -> None:
    number, key = await begin_quiz(browser)
    hands.now += 30
    answers = {"attempt": number, "sesskey": key, f"q{number}:1_answer": "1", f"q{number}:5_answer": "Голосом"}
    async with browser.post("/mod/quiz/autosave.ajax.php", data=answers) as response:
        assert json.loads(await text_of(response)) == {"status": "OK", "timeleft": 1170.0}
    shown = await page(browser, f"/mod/quiz/attempt.php?attempt={number}&cmid=191")
    assert "19:30" in shown and ">Голосом</textarea>" in shown
    async with browser.post("/mod/quiz/processattempt.php", data=answers) as response:
        review = await text_of(response)
    assert "1 из 4" in review and "42 см² ✓" in review and "Голосом" in review
    assert [save.how for save in course.state.quiz_saves] == ["autosave", "submit"]


async def test_after_the_time_and_the_grace_only_earlier_answers_count(
    browser: Browser, course: RunningCourse, hands: Any
) -> None:
    number, key = await begin_quiz(browser)
    answers = {"attempt": number, "sesskey": key, f"q{number}:1_answer": "1"}
    async with browser.post("/mod/quiz/autosave.ajax.php", data=answers):
        pass
    hands.now += 1261
    async with browser.post("/mod/quiz/processattempt.php", data={**answers, f"q{number}:1_answer": "0"}) as response:
        assert "Время попытки истекло" in await text_of(response)
    assert [dict(save.answers) for save in course.state.quiz_saves] == [{f"q{number}:1_answer": "1"}]


async def test_an_attempt_belongs_to_one_learner(browser: Browser, course: RunningCourse) -> None:
    number, _ = await begin_quiz(browser)
    async with aiohttp.ClientSession(
        course.base_url, cookie_jar=aiohttp.CookieJar(unsafe=True), auto_decompress=False
    ) as other:
        await log_in(other, "teacher2")
        async with other.get(f"/mod/quiz/attempt.php?attempt={number}&cmid=191") as response:
            assert response.status == 404


# --- live rooms -------------------------------------------------------------------------------------------------


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


# --- mobile app -------------------------------------------------------------------------------------------------


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


# --- assets -----------------------------------------------------------------------------------------------------


def test_photos_are_a_phones_with_position_and_orientation(course_dir: Path) -> None:
    turned = 0
    for photo in photos.PHOTOS:
        path = course_dir / "photos" / photo.name
        assert 1_500_000 <= path.stat().st_size <= 4_000_000, (photo.name, path.stat().st_size)
        with Image.open(path) as image:
            exif = image.getexif()
            assert sorted(image.size) == [3000, 4000]
            assert ExifTags.GPS.GPSLatitude in exif.get_ifd(ExifTags.IFD.GPSInfo)
            turned += exif[ExifTags.Base.Orientation] == photos.TURNED
            image.draft("RGB", (400, 400))
            image.load()
    assert turned == 5


def test_drawn_assets_come_out_the_same_each_time(course_dir: Path, tmp_path: Path) -> None:
    image, exif = photos.encode(photos.PHOTOS[1])
    again = io.BytesIO()
    image.save(again, "JPEG", quality=photos.PHOTOS[1].quality, exif=exif)
    assert again.getvalue() == (course_dir / "photos" / photos.PHOTOS[1].name).read_bytes()
    documents.build(course_dir / "slides", course_dir / "photos", tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (course_dir / "documents" / path.name).read_bytes(), path.name


def test_documents_are_whole(course_dir: Path) -> None:
    for name in ("plan-uroka.docx", "lekciya-6.pptx", "razdatochnye-materialy.zip"):
        with zipfile.ZipFile(course_dir / "documents" / name) as archive:
            assert archive.testzip() is None
    for name, signed in (("programma-kursa.pdf", False), ("pamyatka-podpisana.pdf", True)):
        data = (course_dir / "documents" / name).read_bytes()
        table = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
        assert data[table : table + 4] == b"xref"
        assert (b"/ByteRange" in data) is signed


def test_the_lecture_has_a_real_bit_rate_and_a_ladder(course_dir: Path) -> None:
    bits_a_second = (course_dir / "video" / "lekciya.mp4").stat().st_size * 8 / 60
    assert 1_000_000 <= bits_a_second <= 2_000_000
    master = (course_dir / "video" / "hls" / "master.m3u8").read_text()
    assert re.findall(r"RESOLUTION=\d+x(\d+)", master) == ["144", "240", "360"]
    assert "TYPE=AUDIO" in master and 'URI="audio.m3u8"' in master


def test_noise_depends_on_nothing_but_its_seed() -> None:
    first, second = (drawing.noise(drawing.seeded("a", 1), 40, 30).tobytes() for _ in range(2))
    assert first == second != drawing.noise(drawing.seeded("a", 2), 40, 30).tobytes()
