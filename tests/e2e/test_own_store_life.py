"""A browser's own store to its end: the free hours, the switch, and a course with a worker of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.harness.browser import SMALL_PHONE, visiting
from tests.e2e.harness.cuts import link_to
from tests.e2e.harness.films import films, page
from tests.e2e.harness.origins import Asked, Given, Origin, origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import tropa_at
from tests.e2e.harness.waiting import arrived, until
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = pytest.mark.browser
PAID = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
JUST_BEFORE = datetime(2026, 11, 24, 19, 59, 50, tzinfo=UTC)  # free from 23:00 in Moscow
NIGHTLY: dict[str, Any] = {
    **METERED,
    "store": "browser",
    "tariff": {
        "timezone": "Europe/Moscow",
        "price": "0.40 RUB/MB",
        "free": [{"days": "daily", "from": "23:00", "to": "07:00"}],
    },
}
MINUTE_MS = 60_000
SCRIPTS = (
    "navigator.serviceWorker.getRegistrations().then(all => all.filter(one => one.active)"
    ".map(one => new URL(one.active.scriptURL).pathname))"
)
SLIDES = "[...document.querySelectorAll('#sc-list img')].every(one => one.complete && one.naturalWidth)"
HEARD = "document.getElementById('sc-sound').currentTime"
LEFT = "Promise.all([caches.keys(), navigator.serviceWorker.getRegistrations()]).then(([a, b]) => a.length + b.length)"


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    with films() as running:
        yield running


def nightly(site: Origin, **course: Any) -> Regions:
    keys = {"preset": "moodle", "own_store": "on", **course}
    return Regions(course_port=site.port, places={"metered": NIGHTLY}, course=keys)


def settled(tab: Page) -> None:
    """Wait until the worker is there and the page's scripts have begun."""
    tab.wait_for_function(arrived("/shelf-"), timeout=MINUTE_MS)


@needs_ffmpeg
def test_a_lecture_put_off_comes_in_the_free_hours_and_plays_without_a_link(
    browser: Browser, site: Origin, folder: Path
) -> None:
    regions = nightly(site)
    with link_to(regions.ports["metered"]) as link, visiting(browser, size=SMALL_PHONE) as visit:
        tab, base = visit.page, f"http://127.0.0.1:{link.port}"
        tab.add_init_script("Math.random = () => 0")  # this browser is the first to begin
        with tropa_at(PAID, regions, folder):
            tab.goto(base + page("lecture"))
            settled(tab)
            later = tab.locator("[data-tropa-later]").first
            later.wait_for(state="visible", timeout=MINUTE_MS)
            visit.shot("store-later-phone-ru", full=True)
            assert "23:00" in later.inner_text() or "08:00" in later.inner_text(), "when, in her own time"
            later.locator("button").click()
            until(lambda: tab.evaluate("tropa.list('queue')"), what="the note on the device")
            tab.goto(base + "/.tropa/store/")
            tab.wait_for_selector("#tropa-queue li")
        with tropa_at(JUST_BEFORE, regions, folder):
            tab.goto(base + page("lecture"))
            settled(tab)
            # They begin while the page stands open, and nobody touches it.
            tab.wait_for_selector("#tropa-later a", timeout=3 * MINUTE_MS)
            assert tab.evaluate("tropa.list('queue')") == []
            link.cut()
            tab.click("#tropa-later a")
            tab.wait_for_selector("#tropa-pages li")
            visit.shot("store-list-phone-ru", full=True)
            tab.get_by_role("link", name="Лекция 1. Тонкие каналы связи").first.click()
            tab.wait_for_selector("#sc")
            # The page's own policy forbids what a wait in the page itself would take.
            tab.evaluate("for (const i of document.images) i.loading = 'eager'")
            until(lambda: tab.evaluate(SLIDES), what="every slide")
            tab.evaluate("document.getElementById('sc-sound').play()")
            until(lambda: tab.evaluate(HEARD) > 0.3, what="the sound")
            tab.evaluate("document.getElementById('sc-sound').currentTime = 30")  # a part of what lies here whole
            until(lambda: tab.evaluate(HEARD) > 30.2, what="the sound from there on")
            visit.shot("store-lecture-phone-ru")


def test_one_switch_takes_the_worker_and_all_that_it_kept_away(browser: Browser, site: Origin, folder: Path) -> None:
    regions = nightly(site)
    with visiting(browser) as visit:
        tab, base = visit.page, f"http://127.0.0.1:{regions.ports['metered']}"
        with tropa_at(PAID, regions, folder):
            tab.goto(base + page("sound"))
            settled(tab)
            assert tab.evaluate(SCRIPTS) == ["/.tropa/store/worker.js"]
        off = replace(regions, course={**regions.course, "own_store": "off"})
        with tropa_at(PAID, off, folder):
            tab.goto(base + page("sound"))
            until(lambda: tab.evaluate(LEFT) == 0, what="everything to be gone", timeout_s=60)
            tab.goto(base + page("film"))
            assert tab.locator("script[data-keep]").count() == 0


def with_its_own_worker(asked: Asked, body: bytes) -> Given:
    if asked.path == "/sw.js":
        return Given(headers=[("Content-Type", "text/javascript")], body=b"self.addEventListener('fetch', () => {});")
    text = "<!doctype html><html><head><title>x</title></head><body><p>Course</p>"
    text += "<script>navigator.serviceWorker.register('/sw.js')</script></body></html>"
    return Given(headers=[("Content-Type", "text/html")], body=text.encode())


def test_a_course_with_a_worker_of_its_own_keeps_it(browser: Browser, folder: Path) -> None:
    with origin(with_its_own_worker) as course, visiting(browser) as visit:
        regions = nightly(course)
        tab, base = visit.page, f"http://127.0.0.1:{regions.ports['metered']}"
        with tropa_at(PAID, regions, folder):
            tab.goto(base + "/a")
            tab.wait_for_function(f"{SCRIPTS}.then(all => all.join() === '/sw.js')", timeout=MINUTE_MS)
            for path in ("/b", "/c"):
                tab.goto(base + path)
                assert tab.locator("script[data-keep]").count() == 0
            assert tab.evaluate(SCRIPTS) == ["/sw.js"]
