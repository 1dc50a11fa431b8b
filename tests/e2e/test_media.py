"""Lectures, films and sounds through Tropa in Chromium: watched, wound, resumed, by keyboard and without scripts."""

from __future__ import annotations

import copy
import io
import itertools
import posixpath
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import lxml.etree
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.e2e.harness.browser import SMALL_PHONE, Visit, visiting
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.films import FILM, LECTURE, LONG, LONG_S, MOVING, SOUND, TALK, TALK_NAME, films, page
from tests.e2e.harness.origins import Origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import COSTLY_STEP_S, PATIENCE_S, until
from tests.e2e.harness.wire import Learner, Reply, ask, value_of
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = [pytest.mark.browser, needs_ffmpeg]
CAPPED: dict[str, Any] = {
    **copy.deepcopy(METERED),
    "policy": "school-adsl",
    "link": {"down": "4 Mbit/s", "up": "1 Mbit/s"},
    "tariff": {"price": "free"},
}
READY_MS = 90_000
READY = re.compile(r"лёгкая: \d+ КБ")  # what isn't made yet has about so many


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    with films() as running:
        yield running


@pytest.fixture(scope="module")
def tropa(site: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    regions = Regions(course_port=site.port, places={"metered": METERED, "capped": CAPPED}, course={"preset": "moodle"})
    with tropa_process(regions, tmp_path_factory.mktemp("media")) as running:
        yield running


@contextmanager
def at(browser: Browser, port: int, name: str, **options: Any) -> Iterator[Visit]:
    """A visit to a page of the course."""
    with visiting(browser, **options) as visit:
        visit.page.goto(f"http://127.0.0.1:{port}{page(name)}", wait_until="domcontentloaded")
        yield visit


def open_lecture(visit: Visit, version: str = "slidecast") -> None:
    """Tap the version on the card and wait for its viewer."""
    chosen = visit.page.locator(f".tropa-card [formaction='/.tropa/make/{version}']").first
    if not chosen.is_visible():
        visit.page.locator(".tropa-card summary").first.click()
    chosen.click()
    visit.page.wait_for_selector("#sc, .tropa-player", timeout=READY_MS)


def shown(visit: Visit) -> str:
    return visit.page.inner_text("#sc-live")


def sound_s(visit: Visit) -> float:
    return float(visit.page.evaluate("document.querySelector('#sc-sound').currentTime"))


# -- a lecture ---------------------------------------------------------------------------------------------------------


def test_a_lecture_is_chosen_and_watched_by_keyboard_alone(browser: Browser, tropa: TropaProcess) -> None:
    with at(browser, tropa.ports["metered"], "lecture") as visit:
        keys = visit.page.keyboard
        for _ in range(12):
            keys.press("Tab")
            if visit.page.evaluate("document.activeElement.getAttribute('formaction')") == "/.tropa/make/slidecast":
                break
        visit.shot("media-card-1280")
        keys.press("Enter")
        visit.page.wait_for_selector("#sc, progress")
        if visit.page.locator("progress").count():
            visit.shot("media-waiting-1280")
        visit.page.wait_for_selector("#sc", timeout=READY_MS)
        assert shown(visit) == "Слайд 1 из 4"
        for key, slide in (("ArrowRight", 2), ("End", 4), ("ArrowLeft", 3), ("Home", 1), ("3", 3)):
            keys.press(key)
            until(lambda slide=slide: shown(visit) == f"Слайд {slide} из 4", what=f"slide {slide} after {key}")
        until(lambda: 23 < sound_s(visit) < 26, what="the sound of the third slide")
        keys.press("Space")
        start_s = sound_s(visit)
        until(lambda: sound_s(visit) > start_s + 0.5, what="sound")
        until(lambda: visit.page.inner_text("#sc-words") == "Третий слайд", what="captions")
        visit.page.evaluate("document.querySelector('#sc-sound').playbackRate = 8")
        until(lambda: shown(visit) == "Слайд 4 из 4", what="the slide that follows the sound")
        keys.press("Space")
        paused_s = sound_s(visit)
        assert visit.page.evaluate("document.querySelector('#sc-sound').paused")
        assert visit.page.evaluate("document.querySelector('#sc-now').naturalWidth") > 300
        visit.shot("slidecast-1280")
        assert sound_s(visit) == paused_s
        assert visit.errors == [] and visit.foreign == []
        assert not [url for url in visit.requested if url.endswith(LECTURE)]


@pytest.mark.parametrize("locale", ["ru-RU", "en-GB"])
def test_a_lecture_fits_a_small_phone(browser: Browser, tropa: TropaProcess, locale: str) -> None:
    with at(browser, tropa.ports["metered"], "lecture", size=SMALL_PHONE, locale=locale) as visit:
        visit.shot(f"media-card-320-{locale[:2]}")
        open_lecture(visit)
        assert visit.too_wide_px() <= 0
        visit.shot(f"slidecast-320-{locale[:2]}", full=True)
        assert ("Slide 1 of 4" if locale == "en-GB" else "Слайд 1 из 4") == shown(visit)
        open_alone = visit.page.locator("a[href='slides']")
        open_alone.click()
        visit.page.wait_for_selector("#sc-list")
        assert visit.page.locator("audio").count() == 0
        visit.shot(f"slides-320-{locale[:2]}")


def test_a_lecture_without_scripts_is_its_slides_and_its_sound(browser: Browser, tropa: TropaProcess) -> None:
    with at(browser, tropa.ports["metered"], "lecture", size=SMALL_PHONE, java_script_enabled=False) as visit:
        open_lecture(visit)
        slides = visit.page.locator("#sc-list li")
        assert slides.count() == 4
        slides.last.scroll_into_view_if_needed()
        for number in range(4):
            assert slides.nth(number).locator("img").bounding_box()["height"] > 100  # type: ignore[index]
        assert visit.page.locator("#sc-sound").bounding_box()["width"] > 200  # type: ignore[index]
        assert visit.page.locator("#sc-bar").is_hidden()
        assert visit.page.locator("a.sc-from").first.get_attribute("href")
        visit.shot("slidecast-no-scripts-320", full=True)


@pytest.fixture
def link(tropa: TropaProcess) -> Iterator[Link]:
    with link_to(tropa.ports["metered"]) as running:
        yield running


def test_sound_goes_on_where_it_was_when_the_link_was_cut(browser: Browser, tropa: TropaProcess, link: Link) -> None:
    with at(browser, link.port, "lecture") as visit:
        open_lecture(visit)
        visit.page.evaluate(
            "window.times = []; document.querySelector('#sc-sound').addEventListener('timeupdate', "
            "e => window.times.push(e.target.currentTime))"
        )
        four_times_as_fast(visit)
        link.cut_after(20_000)
        visit.page.keyboard.press("Space")
        until(lambda: link.cuts, what="the cut")
        link.mend()
        until(lambda: sound_s(visit) > 26, what="the sound after the cut")
        times = visit.page.evaluate("window.times.filter(t => t > 0)")
        assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(times))
        assert shown(visit) == "Слайд 3 из 4"


def four_times_as_fast(visit: Visit) -> None:
    """By the page's own list of speeds, so that it is kept when the sound is loaded anew."""
    visit.page.evaluate(
        "(list => { list.add(new Option('4', '4', true, true)); list.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#sc-speed'))"
    )


def test_sound_alone_is_heard(browser: Browser, tropa: TropaProcess) -> None:
    with at(browser, tropa.ports["metered"], "lecture", locale="en-GB") as visit:
        open_lecture(visit, "sound")
        play(visit, "audio")
        assert visit.page.locator("video").count() == 0
        visit.shot("sound-alone-1280-en")


# -- a film in its place -----------------------------------------------------------------------------------------------


def play(visit: Visit, element: str = "#film", seconds: float = 1.0, timeout_s: float = PATIENCE_S) -> None:
    """Press play, and see that it goes on."""
    visit.page.evaluate(f"e => {{ const p = document.querySelector('{element}'); p.muted = true; p.play() }}")
    until(lambda: time_s(visit, element) > seconds, what=f"playing of {element}", timeout_s=timeout_s)


def time_s(visit: Visit, element: str = "#film") -> float:
    return float(visit.page.evaluate(f"document.querySelector('{element}').currentTime"))


def seekable_s(visit: Visit, element: str = "#film") -> float:
    told = f"(e => e.seekable.length ? e.seekable.end(0) : 0)(document.querySelector('{element}'))"
    return float(visit.page.evaluate(told))


def test_a_film_plays_in_its_place_while_it_is_made_and_is_wound_when_it_is_done(
    browser: Browser, site: Origin, tropa: TropaProcess
) -> None:
    with at(browser, tropa.ports["capped"], "film") as visit:
        play(visit)
        assert visit.page.evaluate("document.querySelector('#film').videoHeight") == 360
        visit.page.locator(".tropa-below summary").click()
        visit.shot("film-in-its-place-1280")
        until(lambda: tropa.logged(url=FILM, treatment="media"), what="the end of the growing film")
        visit.page.reload(wait_until="domcontentloaded")
        play(visit)
        until(lambda: 29 < seekable_s(visit) < 31, what="a film that can be wound")
        visit.page.evaluate("document.querySelector('#film').currentTime = 25")
        until(lambda: time_s(visit) > 26, what="playing from where it was wound to")
        visit.page.evaluate("document.querySelector('#film').currentTime = 3")
        until(lambda: 3.2 < time_s(visit) < 20, what="playing from where it was wound back to")
        assert visit.errors == []


@pytest.mark.parametrize("player", ["video.js", "moodle"])
def test_players_that_scripts_make_play_the_smaller_film(browser: Browser, tropa: TropaProcess, player: str) -> None:
    with at(browser, tropa.ports["capped"], player) as visit:
        visit.page.wait_for_selector("video")
        play(visit, "video")
        assert visit.page.evaluate("document.querySelector('video').videoWidth") == 640
        assert visit.page.evaluate("window.player.currentTime()") > 0
        line = tropa.logged(url=FILM, treatment="media", region="capped")
        assert line["bytes_to_learner"] < line["bytes_direct"]


def test_a_metered_region_keeps_scripts_from_making_players(browser: Browser, tropa: TropaProcess) -> None:
    with at(browser, tropa.ports["metered"], "moodle") as visit:
        visit.page.wait_for_selector(".tropa-card")
        assert visit.page.locator("video").count() == 0


def test_a_sound_file_plays_in_its_place(browser: Browser, tropa: TropaProcess) -> None:
    with at(browser, tropa.ports["metered"], "sound") as visit:
        play(visit)
        line = tropa.logged(url=SOUND, treatment="media")
        assert line["bytes_to_learner"] < line["bytes_direct"] / 3


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_moving_picture_is_a_film_that_stands_still_for_whoever_asked_for_less_motion(
    browser: Browser, tropa: TropaProcess, motion: str
) -> None:
    with at(browser, tropa.ports["capped"], "moving", size=SMALL_PHONE, reduced_motion=motion) as visit:
        film = visit.page.locator("video.tropa-moving")
        until(lambda: film.count() or (visit.page.reload() and film.count()), what="the film", step_s=COSTLY_STEP_S)
        until(lambda: film.evaluate("e => e.videoWidth > 0"), what="the film's first picture")
        if motion == "reduce":
            until(lambda: film.evaluate("e => e.paused && e.controls && !e.autoplay"), what="a film that stands still")
        else:
            until(
                lambda: film.evaluate("e => e.currentTime > 0.5 && !e.paused && !e.controls"), what="a film that plays"
            )
        assert film.evaluate("e => e.muted && e.loop && e.getAttribute('aria-label')") == "Сборка узла"
        box = film.bounding_box()
        assert box is not None and abs(box["width"] / box["height"] - 640 / 361) < 0.03
        assert visit.too_wide_px() <= 0
        visit.shot(f"moving-320-{motion}")
        assert visit.errors == []


def test_a_long_film_is_made_where_it_is_watched(browser: Browser, tropa: TropaProcess) -> None:
    with at(browser, tropa.ports["metered"], "long") as visit:
        open_lecture(visit, "capped")
        visit.shot("film-viewer-1280")
        play(visit, "video")
        until(lambda: seekable_s(visit, "video") > LONG_S - 15, what="a film that can be wound")
        visit.page.evaluate("document.querySelector('video').currentTime = 800")
        until(lambda: time_s(visit, "video") > 801, what="playing near its end")
    segments = {url for url in visit.requested if "/hls/" in url}
    assert 3 < len(segments) < 60
    assert not [url for url in visit.requested if url.endswith(LONG)]


# -- documents, and what passes ----------------------------------------------------------------------------------------


def test_a_light_copy_of_a_presentation_is_chosen_made_and_opens(
    browser: Browser, site: Origin, tropa: TropaProcess
) -> None:
    with at(browser, tropa.ports["metered"], "talk", accept_downloads=True) as visit:
        with visit.page.expect_download(timeout=READY_MS) as got:
            visit.page.locator("[formaction='/.tropa/make/read']").first.click()
        name, copy_of = got.value.suggested_filename, got.value.path().read_bytes()
    whole = ask(site.port, TALK).body
    assert name == TALK_NAME.replace(".pptx", "-light.pptx") and len(copy_of) < len(whole) / 2
    with zipfile.ZipFile(io.BytesIO(copy_of)) as light, zipfile.ZipFile(io.BytesIO(whole)) as source:
        assert light.testzip() is None and light.namelist()[0] == "[Content_Types].xml"
        assert len(light.namelist()) == len(source.namelist())
        slide = "ppt/slides/slide1.xml"
        assert light.read(slide) == source.read(slide)
        relations = lxml.etree.fromstring(light.read("ppt/slides/_rels/slide1.xml.rels"))
        targets = {posixpath.normpath(f"ppt/slides/{one.get('Target')}") for one in relations}
        assert targets and targets <= set(light.namelist())
        for target in targets:
            with Image.open(io.BytesIO(light.read(target))) as picture:
                assert max(picture.size) <= 960
    assert ask(tropa.ports["metered"], TALK).body == whole  # the presentation itself keeps its bytes


def test_a_page_says_after_a_kill_which_copy_is_made_already(site: Origin, tmp_path: Path) -> None:
    regions = Regions(course_port=site.port, places={"metered": METERED}, course={"preset": "moodle"})
    her = Learner(0)

    def told() -> str:
        her.port = regions.ports["metered"]
        return her.ask(page("talk")).text

    with tropa_process(regions, tmp_path) as tropa:
        before = told()
        assert "/.tropa/make/read" in before and READY.search(before) is None
        copy_page = her.post("/.tropa/make/read", {"token": value_of(before, "token")})
        until(lambda: her.follow(copy_page).body[:2] == b"PK", what="the copy")
        assert READY.search(told())
        until(lambda: kept_versions(tropa.state_dir) > 0, what="it on the disk")
        tropa.kill()
    with tropa_process(regions, tmp_path) as tropa:
        assert READY.search(told())
        tropa.kill()
    shutil.rmtree(tmp_path / "state" / "media" / "made")
    with tropa_process(regions, tmp_path):
        assert READY.search(told()) is None  # what is gone is to be made


def kept_versions(state_dir: Path) -> int:
    with closing(sqlite3.connect(f"file:{state_dir / 'tropa.db'}?mode=ro", uri=True)) as base:
        kept = base.execute("SELECT facts FROM mark WHERE kind = 'media-known'").fetchall()
    return sum('"read"' in facts for (facts,) in kept)


def test_where_tropa_is_switched_off_media_pass_byte_for_byte(site: Origin, tropa: TropaProcess) -> None:
    def switch(way: str) -> None:
        done = tropa.command("bypass", way, "course", "--state", str(tropa.state_dir))
        assert done.returncode == 0, done.stdout + done.stderr

    def got(path: str, place: str, **more: str) -> Reply:
        return Learner(tropa.ports[place]).ask(path, Sec_Fetch_Dest="video", Accept="*/*", **more)

    switch("on")
    try:
        until(lambda: got(FILM, "metered").status == 200, what="the film itself")
        for place in ("metered", "capped"):
            for path in (FILM, SOUND, MOVING, TALK, page("film"), page("lecture")):
                whole, through = ask(site.port, path), got(path, place)
                assert through.body == whole.body and through.status == 200, (place, path)
                for field in ("Content-Type", "ETag", "Accept-Ranges", "Cache-Control"):
                    assert through.get(field) == whole.get(field), (place, path, field)
            # Of what went out smaller a moment ago a range isn't given: it would splice two films.
            part = got(f"{FILM}?never=before", place, Range="bytes=1000-1999")
            assert part.status == 206 and part.body == ask(site.port, FILM).body[1000:2000]
    finally:
        switch("off")
    until(lambda: got(FILM, "metered").status != 200, what="policy again")
