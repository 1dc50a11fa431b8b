"""A lecture's page in a real Chromium: by keyboard, narrow, with large text, without scripts, from one file."""

import asyncio
import re
import shutil
import subprocess
import threading

import pytest
from PIL import Image

from proxy.pages import static_file
from proxy.pages.full import PAGE_CSP
from proxy.pages.slidecast import SlidecastView, slidecast_file, slidecast_page
from proxy.transforms.media.lecture.model import Captions, Lecture, Slide, Sound
from tests.e2e.harness.browser import CHROMIUM
from tests.page_server import QuietHandler, page_server

FFMPEG = shutil.which("ffmpeg")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None or FFMPEG is None, reason="no Chromium or no ffmpeg on this machine"),
]
TYPES = {"webp": "image/webp", "webm": "audio/webm", "vtt": "text/vtt"}
COUNT, STEP_S = 6, 5.0
STATE = """(() => { const sound = document.getElementById('sc-sound'); const now = document.getElementById('sc-now');
  return {time: sound.currentTime, paused: sound.paused, live: document.getElementById('sc-live').textContent,
          src: now.getAttribute('src'), alt: now.alt, hash: location.hash,
          words: document.getElementById('sc-words').textContent} })()"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six slides of five seconds each, a sound of half a minute, captions."""
    path = tmp_path_factory.mktemp("lecture")
    (path / "slides").mkdir()
    for number in range(1, COUNT + 1):
        Image.new("RGB", (160, 90), (40 * number, 90, 120)).save(path / "slides" / f"{number:03}.webp")
    tone = ["-f", "lavfi", "-i", f"sine=300:duration={COUNT * STEP_S}", "-c:a", "libopus", "-b:a", "12k"]
    subprocess.run([FFMPEG, "-v", "error", "-y", *tone, str(path / "sound.webm")], check=True, timeout=60)
    (path / "captions-1.vtt").write_text("WEBVTT\n\n00:10.000 --> 00:15.000\n<b>third</b> slide\n")
    return path


@pytest.fixture(scope="module")
def lecture(folder):
    slides = tuple(
        Slide(
            n=n, at_s=(n - 1) * STEP_S, until_s=n * STEP_S, file=f"slides/{n:03}.webp", width=160, height=90, bytes=99
        )
        for n in range(1, COUNT + 1)
    )
    sound = Sound(file="sound.webm", type="audio/webm", bytes=(folder / "sound.webm").stat().st_size)
    captions = (Captions(file="captions-1.vtt", lang="en"),)
    return Lecture(duration_s=COUNT * STEP_S, verdict="slides", slides=slides, sound=(sound,), captions=captions)


@pytest.fixture(scope="module")
def site(folder, lecture):
    """The page under /own/, its files under /files/ with ranges; what was asked for is noted."""
    asked: list[str] = []
    view = SlidecastView(language="en", base="/files/", title="A rather long title of a lecture")

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = self.path.partition("?")[0]
            asked.append(path)
            found = static_file(path.removeprefix("/.tropa/static/"))
            if found:
                return self._answer(found[0], found[1])
            if path.startswith("/files/") and (folder / path[7:]).is_file():
                return self._answer((folder / path[7:]).read_bytes(), TYPES[path.rpartition(".")[2]])
            return self._answer(slidecast_page(lecture, view), "text/html; charset=utf-8")

        def _answer(self, body, kind):
            wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            self.send_response(206 if wanted else 200)
            if wanted:
                first, last = int(wanted[1]), int(wanted[2] or len(body) - 1)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
                body = body[first : last + 1]
            self.send_header("Content-Type", kind)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Security-Policy", PAGE_CSP)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with page_server(Handler) as address:
        yield address, asked


def opened(browser, address, **options):
    page = browser.new_context(**options).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.goto(address)
    return page, faults


def until(page, condition):
    """The page's state once the condition on it holds (the page's policy forbids playwright's own polling)."""
    for _ in range(150):
        if page.evaluate(f"(() => {{ const s = {STATE}; return {condition}; }})()"):
            return page.evaluate(STATE)
        page.wait_for_timeout(100)
    raise AssertionError((condition, page.evaluate(STATE)))


def test_a_lecture_is_heard_and_seen_by_keyboard_alone(site, browser):
    page, faults = opened(browser, site[0] + "/own/lecture")
    assert until(page, "s.live === 'Slide 1 of 6'")["paused"]
    page.keyboard.press("Space")
    until(page, "!s.paused && s.time > 0.2")
    page.keyboard.press("ArrowRight")
    assert until(page, "s.time >= 5 && s.live === 'Slide 2 of 6'")["src"].endswith("002.webp")
    page.keyboard.press("3")
    state = until(page, "s.time >= 10 && s.live === 'Slide 3 of 6' && s.words === 'third slide'")
    assert state["alt"] == "Slide 3, 0:10"
    assert state["hash"] == "#slide-3"
    page.keyboard.press("End")
    until(page, "s.time >= 25 && s.live === 'Slide 6 of 6'")
    page.keyboard.press("Home")
    until(page, "s.time < 5 && s.live === 'Slide 1 of 6'")
    page.keyboard.press("Space")
    until(page, "s.paused")
    assert faults == []
    page.context.close()


def test_pictures_are_fetched_as_they_come_and_one_ahead(site, browser):
    base, asked = site
    asked.clear()
    page, _ = opened(browser, base + "/own/lecture")
    until(page, "s.live === 'Slide 1 of 6'")
    page.wait_for_timeout(300)
    assert [path for path in asked if path.endswith((".webp", ".webm"))] == ["/files/slides/001.webp"]
    page.keyboard.press("Space")
    until(page, "s.time > 0.6")
    assert {path for path in asked if path.endswith(".webp")} == {f"/files/slides/00{n}.webp" for n in (1, 2)}
    page.context.close()


def test_an_address_with_a_slide_opens_there(site, browser):
    page, _ = opened(browser, site[0] + "/own/lecture#slide-4")
    until(page, "s.time === 15 && s.live === 'Slide 4 of 6'")
    page.context.close()


def test_without_scripts_all_slides_stand_in_order(site, browser):
    page, _ = opened(browser, site[0] + "/own/lecture", java_script_enabled=False)
    assert page.locator("#sc-list img").count() == COUNT
    assert page.locator("#sc-list img").first.is_visible()
    assert page.locator("audio").is_visible()
    assert not page.locator("#sc-bar").is_visible()
    assert not page.locator("#sc-stage").is_visible()
    assert page.get_by_text("listen from here").count() == COUNT
    page.context.close()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("zoom", [1, 2])
def test_nothing_sticks_out_on_a_narrow_screen_or_in_large_text(site, browser, width, zoom):
    page, _ = opened(browser, site[0] + "/own/lecture", viewport={"width": width, "height": 700})
    page.evaluate(f"document.documentElement.style.fontSize = '{16 * zoom}px'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "[...document.querySelectorAll('#sc-bar button, #sc-list a')]"
        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 32).length"
    )
    assert small == 0
    page.context.close()


def test_the_offline_file_plays_without_a_network(folder, lecture, browser, tmp_path):
    path = tmp_path / "lecture.html"
    writer = threading.Thread(target=lambda: asyncio.run(_write(folder, lecture, path)))  # here a loop runs already
    writer.start()
    writer.join(30)
    page, faults = opened(browser, path.as_uri(), offline=True)
    page.keyboard.press("3")
    until(page, "s.time >= 10 && s.live === 'Slide 3 of 6' && s.src.startsWith('data:image/webp')")
    page.keyboard.press("Space")
    until(page, "!s.paused && s.time > 10.2")
    assert faults == []
    page.context.close()


async def _write(folder, lecture, path):
    view = SlidecastView(language="en", base="/files/", title="Offline")
    path.write_bytes(b"".join([piece async for piece in slidecast_file(folder, lecture, view)]))
