"""A learner's own store in Firefox: she reads on without a link, and what she typed is there again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxy.demo.course import RunningCourse
from tests.e2e.harness.cuts import link_to
from tests.e2e.harness.firefox import Firefox, find_firefox, firefox
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import tropa_process
from tests.e2e.harness.waiting import arrived
from tests.e2e.test_uploads_firefox import log_in

missing = find_firefox() is None and os.environ.get("CI") != "true"
pytestmark = pytest.mark.skipif(missing, reason="no Firefox on this machine")
LESSON, FORUM = "/mod/page/view.php?id=111", "/mod/forum/discuss.php?d=11"
SHELF = "document.querySelector('script[src*=\"/shelf-\"]')"
IN_STORE = (
    f"caches.open('tropa-box').then(box => box.keys()).then(all => all.some(one => one.url.endsWith({LESSON!r})))"
)
# A letter more each time: the page's script may only just have begun to listen.
TYPES = """(() => {
  const box = document.querySelector("#id_message");
  box.focus();
  box.value = (box.value || "Набрано в поезде") + "!";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  return tropa.list("drafts").then((all) => all.length);
})()"""


async def enter(browser: Firefox, url: str) -> None:
    """Open it until the worker is there: a first page comes before it."""
    while True:
        await browser.open(url)
        await browser.until(SHELF)
        if await browser.run("navigator.serviceWorker.controller !== null"):
            return


async def test_she_reads_and_writes_on(course: RunningCourse, tmp_path: Path) -> None:
    regions = Regions(course_port=course.port, places={"metered": METERED}, course={"own_store": {"patience": "2 s"}})
    with tropa_process(regions, tmp_path / "tropa") as tropa, link_to(tropa.ports["metered"]) as link:
        async with firefox(tmp_path / "profile") as browser:
            base = f"http://127.0.0.1:{link.port}"
            await log_in(browser, base)
            await enter(browser, base + FORUM)
            await browser.open(base + LESSON)
            await browser.until(IN_STORE)
            await browser.open(base + FORUM)
            await browser.until(arrived("/drafts-"))
            await browser.until(TYPES)
            link.cut()
            await browser.open(base + LESSON)
            await browser.until("document.querySelector('#tropa-kept')")
            assert await browser.run("document.querySelector('[role=main]').innerText.length") > 150
            await browser.open(base + "/mod/page/view.php?id=121")
            assert "No link" in await browser.run("document.querySelector('h1').innerText")
            await browser.until("document.querySelector('#tropa-pages li')")
            await browser.open(base + FORUM)
            await browser.until("document.querySelector('#tropa-draft')")
            assert "Набрано в поезде!" in await browser.run("document.querySelector('#id_message').value")
            link.mend()
            await browser.open(base + LESSON)
            await browser.until(SHELF)
            assert not await browser.run("document.querySelectorAll('#tropa-kept').length")
