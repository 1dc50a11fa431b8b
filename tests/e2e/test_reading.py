"""Opening the course and reading it, by every way in, on a phone and at a desk."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import RunningCourse
from tests.e2e.harness.browser import DESKTOP, PHONE, SMALL_PHONE, Visit
from tests.e2e.harness.tropa import TropaProcess
from tests.e2e.harness.ways import Way
from tests.e2e.harness.wire import ask

pytestmark = pytest.mark.browser

PLAYER_HOSTS = ("youtube", "youtu.be", "rutube", "vk.com", "vkvideo", "vimeo", "kinescope", "googlevideo", "ytimg")
READING = (111, 121, 131, 141, 151, 152, 153, 161, 162, 171, 203, 211)
KINDS = (121, 151, 161, 162)  # pictures, a film, players, players that a script would make


SESSION_KEY = re.compile(r'(?<="sesskey":")[^"]*|(?<=sesskey=)[^"&]*|(?<=name="sesskey" value=")[^"]*')


def _shown(visit: Visit) -> list[str]:
    """Pictures that a learner sees broken."""
    visit.page.evaluate("for (const i of document.images) i.loading = 'eager'")
    visit.page.wait_for_function("[...document.images].every(i => i.complete)")
    return visit.page.evaluate("[...document.images].filter(i => !i.naturalWidth && i.src).map(i => i.src)")


@pytest.mark.parametrize(("size", "device"), [(PHONE, "phone"), (DESKTOP, "desktop")], ids=["phone", "desktop"])
def test_pages_are_readable_and_whole_and_ask_no_player_host(
    way: Way, browser: Browser, size: dict[str, int], device: str
) -> None:
    with way.visit(browser, size=size) as visit:
        for number in READING if way.name == "reverse" and device == "phone" else KINDS:
            visit.page.goto(f"{way.base}/mod/page/view.php?id={number}", wait_until="load")
            assert len(visit.page.inner_text("[role=main]")) > 150, number
            assert _shown(visit) == [], number
            if way.name == "reverse":
                visit.shot(f"page{number}-{device}", full=True)
            assert visit.too_wide_px() <= 0, number
        assert [url for url in visit.foreign if any(host in url for host in PLAYER_HOSTS)] == []
        assert visit.errors == []


def test_a_card_stands_where_a_film_or_a_player_would(way: Way, browser: Browser) -> None:
    with way.visit(browser) as visit:
        for number, cards in ((151, 2), (161, 3), (162, 2)):
            visit.page.goto(f"{way.base}/mod/page/view.php?id={number}", wait_until="domcontentloaded")
            assert visit.page.locator(".tropa-card").count() >= cards, number
            assert visit.page.locator("iframe, video").count() == 0, number
        assert not [url for url in visit.requested if urlsplit(url).path.endswith((".mp4", ".m3u8", ".m4s"))]


def test_a_streams_player_stays_where_its_sound_may_be_heard(way: Way, browser: Browser) -> None:
    with way.visit(browser) as visit:
        visit.page.goto(f"{way.base}/mod/page/view.php?id=152", wait_until="domcontentloaded")
        assert visit.page.locator("video").count() == 1
        assert visit.page.locator("iframe").count() == 0


def test_cards_fit_a_small_phone_with_large_text(way: Way, browser: Browser) -> None:
    with way.visit(browser, size=SMALL_PHONE) as visit:
        for number in (151, 161, 162):
            visit.page.goto(f"{way.base}/mod/page/view.php?id={number}")
            if number == 162:
                visit.page.add_style_tag(content="html{font-size:200%!important}")
                visit.page.locator(".tropa-card").first.scroll_into_view_if_needed()
            wide = visit.page.evaluate(
                "[...document.querySelectorAll('.tropa-card, .tropa-card *, .tropa-bar')]"
                ".filter(e => e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.outerHTML)"
            )
            assert wide == [], number
            if way.name == "reverse":
                visit.shot(f"card{number}-320")


def test_a_card_can_be_read_and_opened_by_keyboard_without_scripts(way: Way, browser: Browser) -> None:
    with way.visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{way.base}/mod/page/view.php?id=151")
        card = visit.page.locator(".tropa-card").first
        assert card.get_attribute("aria-label")
        summary = card.locator("summary")
        summary.focus()
        visit.page.keyboard.press("Enter")
        assert card.locator("details").get_attribute("open") is not None


def test_the_open_region_reads_the_course_as_it_is(house: TropaProcess, course: RunningCourse) -> None:
    target, headers = "/mod/page/view.php?id=151", {"Cookie": "MoodleSession=none"}
    through = ask(house.ports["open"], target, headers=headers, host="127.0.0.1:1")
    directly = ask(course.port, target, headers=headers, host="127.0.0.1:1")
    assert SESSION_KEY.sub("", through.text) == SESSION_KEY.sub("", directly.text)
    assert "<video" in through.text
