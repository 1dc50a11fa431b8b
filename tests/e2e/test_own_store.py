"""What a learner's own browser keeps for her: the learner's own link is cut, and she reads and writes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import PHONE, visiting
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process

pytestmark = pytest.mark.browser
FIRST, SECOND = USERS["teacher1"], USERS["teacher2"]
LESSON, FORUM, QUIZ = "/mod/page/view.php?id=111", "/mod/forum/discuss.php?d=11", "/mod/quiz/view.php?id=191"
READY = "navigator.serviceWorker.ready.then(() => !!navigator.serviceWorker.controller)"


@pytest.fixture(scope="module")
def keeping(course: RunningCourse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    """A Tropa whose course may be kept in browsers."""
    regions = Regions(course_port=course.port, places={"metered": METERED}, course={"own_store": {"patience": "2 s"}})
    with tropa_process(regions, tmp_path_factory.mktemp("keeping")) as running:
        yield running


@pytest.fixture
def link(keeping: TropaProcess) -> Iterator[Link]:
    with link_to(keeping.ports["metered"]) as link:
        yield link


def controlled(page: Page) -> None:
    """Wait until the worker answers for this page and has taken it in."""
    page.wait_for_function(READY, timeout=60_000)
    page.wait_for_function("document.querySelector('script[src*=\"/shelf-\"]') !== null", timeout=60_000)


def test_a_page_that_was_opened_is_read_without_a_link_and_says_how_old_it_is(browser: Browser, link: Link) -> None:
    base = f"http://127.0.0.1:{link.port}"
    with visiting(browser, size=PHONE) as visit:
        visit.log_in(base, FIRST.login, FIRST.password)
        controlled(visit.page)
        visit.page.goto(base + LESSON)
        controlled(visit.page)
        link.cut()
        visit.page.goto(base + LESSON)
        assert len(visit.page.inner_text("[role=main]")) > 150
        visit.page.wait_for_selector("#tropa-kept")
        visit.shot("store-kept-phone-ru")
        visit.page.goto(base + "/mod/page/view.php?id=121", wait_until="load")
        assert "Нет связи" in visit.page.inner_text("h1")
        visit.page.wait_for_selector("#tropa-pages li")
        visit.shot("store-offline-phone-ru", full=True)
