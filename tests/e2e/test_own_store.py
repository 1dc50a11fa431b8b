"""What a learner's own browser keeps for her: the learner's own link is cut, and she reads and writes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from proxy.demo.course import USERS, RunningCourse
from proxy.demo.course.state import User
from tests.e2e.harness.browser import DESKTOP, SMALL_PHONE, Visit, visiting
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import arrived, until

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


def drafts_came(page: Page) -> None:
    """Wait until the script that keeps typed text is here."""
    page.wait_for_function(arrived("/drafts-"))


@contextmanager
def entered(browser: Browser, link: Link, who: User, **options: Any) -> Iterator[Visit]:
    """A visit of somebody who has logged in and whose browser has its worker."""
    with visiting(browser, **options) as visit:
        visit.log_in(base_of(link), who.login, who.password)
        controlled(visit.page)
        yield visit


def base_of(link: Link) -> str:
    return f"http://127.0.0.1:{link.port}"


def kept_keys(page: Page) -> list[str]:
    """What lies in this browser's store, by path."""
    found: list[str] = page.evaluate(
        "caches.has('tropa-box').then(has => has ? caches.open('tropa-box').then(box => box.keys()) : [])"
        ".then(all => all.map(one => new URL(one.url).pathname + new URL(one.url).search))"
    )
    return found


@pytest.mark.parametrize(("locale", "no_link"), [("ru-RU", "Нет связи"), ("en-GB", "No link")])
def test_a_page_that_was_opened_is_read_without_a_link_and_says_how_old_it_is(
    browser: Browser, link: Link, locale: str, no_link: str
) -> None:
    size = SMALL_PHONE if locale == "ru-RU" else DESKTOP
    with entered(browser, link, FIRST, size=size, locale=locale) as visit:
        page, base = visit.page, base_of(link)
        page.goto(base + LESSON)
        controlled(page)
        until(lambda: LESSON in kept_keys(page), what="the page in her store")
        link.cut()
        page.goto(base + LESSON)
        assert len(page.inner_text("[role=main]")) > 150
        page.wait_for_selector("#tropa-kept")
        visit.shot(f"store-kept-{locale}")
        page.goto(base + "/mod/page/view.php?id=121")
        assert no_link in page.inner_text("h1")
        page.wait_for_selector("#tropa-pages li")
        assert visit.too_wide_px() <= 0
        visit.shot(f"store-offline-{locale}", full=True)
        page.click("#tropa-pages li a")
        page.wait_for_selector("#tropa-kept")
        link.mend()
        page.reload()
        controlled(page)
        assert page.locator("#tropa-kept").count() == 0


def test_a_typed_post_survives_a_cut_and_a_reload_and_goes_once_the_course_has_it(
    browser: Browser, link: Link, course: RunningCourse
) -> None:
    text = "Набрано на плохой связи: вопрос о проверке работ по видео."
    with entered(browser, link, FIRST) as visit:
        page = visit.page
        page.goto(base_of(link) + FORUM)
        drafts_came(page)
        page.locator("#id_message").press_sequentially(text)
        until(lambda: text in str(drafts(page)), what="all of the draft on the device")
        link.cut()
        page.reload()
        page.wait_for_selector("#tropa-draft")
        assert page.input_value("#id_message") == text
        visit.shot("store-draft")
        link.mend()
        page.reload()
        page.wait_for_selector("#tropa-draft")
        assert page.input_value("#id_message") == text
        before = len(course.state.posts)
        page.click("#id_submitbutton")
        page.wait_for_url("**#p*")
        until(lambda: not drafts(page), what="the draft to go", timeout_s=60)
        assert [post.message for post in course.state.posts[before:]] == [text]
        assert page.input_value("#id_message") == ""


# The page's script gets what is on the device only when it is let: as on a link so thin that she types before it comes.
COMES_LATE = """(() => {
  let tropa, letGo;
  const late = new Promise((done) => { letGo = done; });
  window.comes = () => letGo();
  Object.defineProperty(window, "tropa", { get: () => tropa, set(made) {
    const { list } = made;
    tropa = Object.assign({}, made, { list: (...what) => late.then(() => list(...what)) });
  } });
})()"""


def test_what_was_typed_before_the_pages_script_came_is_a_draft_too(browser: Browser, link: Link) -> None:
    text = "Набрано раньше, чем пришёл скрипт."
    with entered(browser, link, FIRST) as visit:
        page = visit.page
        page.add_init_script(COMES_LATE)
        page.goto(base_of(link) + FORUM)
        drafts_came(page)
        page.wait_for_function("window.tropa")
        page.fill("#id_message", text)
        page.evaluate("comes()")
        until(lambda: drafts(page), what="the draft on the device")
        page.goto(base_of(link) + FORUM)
        page.evaluate("comes()")
        page.wait_for_selector("#tropa-draft")
        assert page.input_value("#id_message") == text


def drafts(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("window.tropa ? tropa.list('drafts') : []")
    return found


def test_a_shared_pc_shows_the_second_learner_nothing_of_the_first(browser: Browser, link: Link) -> None:
    with entered(browser, link, FIRST) as visit:
        page, base = visit.page, base_of(link)
        page.goto(base + LESSON)
        controlled(page)
        until(lambda: LESSON in kept_keys(page), what="the page in her store")
        page.goto(base + FORUM)
        drafts_came(page)
        page.locator("#id_message").press_sequentially("Только для меня")
        until(lambda: drafts(page), what="the draft on the device")
        page.get_by_role("link", name="Выход").first.click()
        page.wait_for_url(base + "/")
        until(lambda: LESSON not in kept_keys(page), what="the store to be empty")
        visit.log_in(base, SECOND.login, SECOND.password)
        controlled(page)
        assert LESSON not in kept_keys(page) and drafts(page) == []
        page.context.clear_cookies()  # nobody logged out, and somebody else logs in
        page.goto(base + FORUM)
        visit.log_in(base, SECOND.login, SECOND.password)
        page.goto(base + LESSON)
        controlled(page)
        until(lambda: LESSON in kept_keys(page), what="the second one's page")
        page.context.clear_cookies()
        visit.log_in(base, FIRST.login, FIRST.password)
        controlled(page)
        until(lambda: LESSON not in kept_keys(page), what="the second one's things to go")


def test_a_page_of_answers_is_the_courses_own_and_says_that_the_link_is_down(
    browser: Browser, link: Link, course: RunningCourse
) -> None:
    with entered(browser, link, FIRST, size=SMALL_PHONE) as visit:
        page = visit.page
        page.goto(base_of(link) + QUIZ)
        page.click(".quizstartbuttondiv button")
        page.wait_for_selector("#responseform")
        drafts_came(page)
        essay = page.locator("#responseform textarea").first
        essay.scroll_into_view_if_needed()
        saved = len(course.state.quiz_saves)
        link.cut()
        page.context.set_offline(True)
        essay.press_sequentially("Сочинение, набранное без связи.")
        page.wait_for_selector("#tropa-down")
        assert "на этом устройстве" in page.inner_text("#tropa-down")
        left = page.inner_text("#quiz-time-left")
        page.wait_for_function("left => document.getElementById('quiz-time-left').textContent !== left", arg=left)
        visit.shot("store-answers-phone-ru")
        assert len(course.state.quiz_saves) == saved, "nothing was saved, and nothing says so"
        link.mend()
        page.context.set_offline(False)
        page.reload()
        page.wait_for_selector("#responseform")
        page.wait_for_selector("#tropa-draft", timeout=60_000)
        assert page.locator("#responseform textarea").first.input_value() == "Сочинение, набранное без связи."
        assert not [key for key in kept_keys(page) if "/mod/quiz" in key], "answers are never kept as pages"
