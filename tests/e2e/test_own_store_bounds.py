"""What a browser's own store does with a late answer, with too many pages, and with what it was asked to keep."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.harness.browser import SMALL_PHONE, Visit, visiting
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.origins import Asked, Given, Origin, origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import arrived, until

pytestmark = pytest.mark.browser
MOST_BYTES = 1_000_000
PAGE_BYTES = 180_000
KEPT = (
    "caches.open('tropa-box').then(async box => Promise.all((await box.keys()).map(async one => {"
    "const head = (await box.match(one, {ignoreVary: true})).headers;"
    "return [new URL(one.url).pathname, +head.get('tropa-bytes'), head.get('tropa-asked') === '1']; })))"
)


@dataclass(slots=True)
class Lessons:
    """Pages /1, /2 … of some weight. version: what they say; go: while it isn't set, nothing is answered."""

    version: str = "first"
    go: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked, _body: bytes) -> Given:
        if not asked.path.strip("/").isdigit():
            return Given(status=404)
        self.go.wait(60)
        text = (
            f"<!doctype html><html lang=ru><head><meta charset=utf-8><title>Урок {asked.path}</title></head><body>"
            f"<main><h1>Урок</h1><p id=version>{self.version}</p><p>{'Текст урока. ' * (PAGE_BYTES // 23)}</p></main>"
        )
        return Given(headers=[("Content-Type", "text/html; charset=utf-8")], body=text.encode())


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    made = Lessons()
    made.go.set()
    return made


@pytest.fixture(scope="module")
def course(lessons: Lessons) -> Iterator[Origin]:
    with origin(lessons.answer) as running:
        yield running


@pytest.fixture(scope="module")
def keeping(course: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    keys = {"own_store": {"patience": "1 s", "max": "1 MB"}}
    regions = Regions(course_port=course.port, places={"metered": METERED}, course=keys)
    with tropa_process(regions, tmp_path_factory.mktemp("bounds")) as running:
        yield running


@pytest.fixture
def link(keeping: TropaProcess) -> Iterator[Link]:
    with link_to(keeping.ports["metered"]) as link:
        yield link


@pytest.fixture
def visit(browser: Browser, link: Link) -> Iterator[Visit]:
    with visiting(browser, size=SMALL_PHONE) as visit:
        visit.page.goto(f"http://127.0.0.1:{link.port}/1")
        ready(visit.page)
        yield visit


def ready(page: Page) -> None:
    page.wait_for_function(arrived("/shelf-"))


def opened(page: Page, link: Link, number: int) -> None:
    page.goto(f"http://127.0.0.1:{link.port}/{number}")
    ready(page)
    until(lambda: f"/{number}" in {path for path, _, _ in page.evaluate(KEPT)}, what="the page in the store")


def test_a_late_answer_takes_the_kept_pages_place_or_is_offered_where_she_reads_on(
    visit: Visit, link: Link, lessons: Lessons
) -> None:
    page = visit.page
    opened(page, link, 1)
    lessons.go.clear()
    lessons.version = "second"
    try:
        page.goto(f"http://127.0.0.1:{link.port}/1")  # the link is up, and so bad that the kept page stands in
        page.wait_for_selector("#tropa-kept")
        assert page.inner_text("#version") == "first"
        lessons.go.set()
        page.wait_for_function("document.getElementById('version').textContent === 'second'")
        assert page.locator("#tropa-kept").count() == 0
        lessons.go.clear()
        lessons.version = "third"
        page.goto(f"http://127.0.0.1:{link.port}/1")
        page.wait_for_selector("#tropa-kept")
        page.evaluate("scrollTo(0, 400)")
        lessons.go.set()
        newer = page.locator("#tropa-kept a", has_text="Показать новую")
        newer.wait_for()
        assert page.inner_text("#version") == "second", "nothing moves under her eyes"
        visit.shot("store-newer-320-ru")
        newer.click()
        page.wait_for_function("document.getElementById('version').textContent === 'third'")
    finally:
        lessons.go.set()


def test_the_oldest_that_was_only_opened_goes_first_and_what_was_asked_for_stays(visit: Visit, link: Link) -> None:
    page = visit.page
    opened(page, link, 1)
    page.get_by_role("button", name="Сохранить на потом").click()
    until(lambda: ["/1", True] in [[path, asked] for path, _, asked in page.evaluate(KEPT)], what="the page to be kept")
    for number in range(2, 9):
        opened(page, link, number)
    stopped(page)  # a worker that begins anew looks at its limit at once, not after 20 s
    opened(page, link, 9)
    until(lambda: sum(size for _, size, _ in page.evaluate(KEPT)) <= MOST_BYTES, what="the store within its limit")
    kept = {path for path, _, _ in page.evaluate(KEPT)}
    assert {"/1", "/9"} <= kept and "/2" not in kept
    link.cut()
    page.goto(f"http://127.0.0.1:{link.port}/1")
    page.wait_for_selector("#tropa-kept")
    page.goto(f"http://127.0.0.1:{link.port}/2")
    assert "Нет связи" in page.inner_text("h1")


def stopped(page: Page) -> None:
    """The browser ends the idle worker, as it does by itself after a while."""
    session = page.context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")


@pytest.mark.parametrize(("saving", "quota", "room"), [(False, 1e12, 1.0), (True, 1e12, 0.5), (False, 120_000, 0.04)])
def test_the_limit_is_halved_by_save_data_and_never_over_a_third_of_the_browsers_own(
    visit: Visit, saving: bool, quota: float, room: float
) -> None:
    """The worker's own words, beside a browser that says so of itself."""
    limit = visit.page.evaluate(
        """async ([saveData, quota]) => {
            const words = await (await fetch('/.tropa/store/worker.js')).text();
            const browser = { connection: { saveData }, storage: { estimate: async () => ({ quota }) } };
            return new Function('self', 'navigator', words + ';return room()')({ addEventListener() {} }, browser);
        }""",
        [saving, quota],
    )
    assert limit == MOST_BYTES * room


def test_one_button_wipes_the_device(visit: Visit, link: Link, keeping: TropaProcess) -> None:
    page = visit.page
    opened(page, link, 1)
    page.goto(f"http://127.0.0.1:{link.port}/.tropa/store/")
    page.wait_for_selector("#tropa-pages li")
    visit.shot("store-list-320-ru", full=True)
    assert visit.too_wide_px() <= 0
    page.get_by_role("button", name="Стереть всё с этого устройства").click()
    page.wait_for_selector("#tropa-nothing:not([hidden])")
    assert (
        page.evaluate("caches.has('tropa-box').then(has => has ? caches.open('tropa-box').then(b => b.keys()) : [])")
        == []
    )
