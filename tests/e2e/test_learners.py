"""What learners do: log in and out on a shared PC, write in the forum, hand files in, with scripts and without."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import PHONE, Visit
from tests.e2e.harness.tropa import TropaProcess
from tests.e2e.harness.waiting import until
from tests.e2e.harness.ways import Way

pytestmark = pytest.mark.browser
FIRST, SECOND = USERS["teacher1"], USERS["teacher2"]
VIDEO = "/mod/page/view.php?id=151"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A file whose every byte counts: not text, not a picture."""
    path = tmp_path / "план урока.bin"
    path.write_bytes(bytes(range(256)) * 900)
    return path


def test_the_second_at_a_shared_pc_meets_neither_the_first_ones_name_nor_her_originals(
    way: Way, browser: Browser
) -> None:
    with way.visit(browser) as visit:
        visit.log_in(way.base, FIRST.login, FIRST.password)
        assert FIRST.name in visit.page.inner_text("body")
        visit.page.goto(way.base + VIDEO)
        cards = visit.page.locator(".tropa-card").count()
        card = visit.page.locator(".tropa-card").first
        card.locator("summary").click()  # a lighter version is recommended
        with visit.page.expect_navigation(url="**" + VIDEO):  # the same address as before: it alone tells nothing
            card.locator("[formaction='/.tropa/original']").click()
        assert visit.page.locator(".tropa-card").count() < cards
        visit.page.get_by_role("link", name="Выход").first.click()
        visit.page.wait_for_url(way.base + "/")
        visit.log_in(way.base, SECOND.login, SECOND.password)
        for path in ("/my/", VIDEO, "/course/view.php?id=2", "/mod/quiz/view.php?id=191"):
            visit.page.goto(way.base + path)
            assert FIRST.name not in visit.page.content(), path
            assert SECOND.name in visit.page.inner_text("body"), path
            if path == VIDEO:
                assert visit.page.locator(".tropa-card").count() == cards


def test_a_forum_post_with_a_file_arrives_once_and_byte_for_byte(
    way: Way, browser: Browser, course: RunningCourse, plan: Path
) -> None:
    before = len(course.state.posts), len(course.state.uploads)
    with way.visit(browser) as visit:
        visit.log_in(way.base, FIRST.login, FIRST.password)
        visit.page.goto(way.base + "/mod/forum/discuss.php?d=11")
        visit.page.fill("#id_message", "Спасибо за разбор.\nВопрос: как быть с «5»?")
        visit.page.set_input_files("#id_file", plan)
        visit.page.wait_for_selector("text=загружен")
        visit.page.click("#id_submitbutton")
        visit.page.wait_for_url("**/mod/forum/discuss.php?d=11#p*")
        assert "как быть с «5»?" in visit.page.inner_text("body")
        assert visit.errors == []
    posts, uploads = course.state.posts[before[0] :], course.state.uploads[before[1] :]
    assert [post.message.splitlines() for post in posts] == [["Спасибо за разбор.", "Вопрос: как быть с «5»?"]]
    assert [upload.sha256 for upload in uploads] == [hashlib.sha256(plan.read_bytes()).hexdigest()]
    assert [upload.filename for upload in posts[0].uploads] == [plan.name]


def test_text_first_keeps_login_forum_upload_and_quiz_working_without_scripts(
    house: TropaProcess, browser: Browser, course: RunningCourse, plan: Path
) -> None:
    way = Way("reverse", house, "text")
    before = len(course.state.posts), len(course.state.submissions), len(course.state.quiz_saves)
    with way.visit(browser, size=PHONE, java_script_enabled=False) as visit:
        visit.log_in(way.base, SECOND.login, SECOND.password)
        visit.shot("text-first-my-phone")
        _write(visit, way, plan)
        _sit_the_quiz(visit, way)
        visit.shot("text-first-quiz-review-phone", full=True)
    assert [post.login for post in course.state.posts[before[0] :]] == ["teacher2"]
    digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    assert [upload.sha256 for upload in course.state.posts[-1].uploads] == [digest]
    assert [upload.sha256 for upload in course.state.submissions[before[1] :]] == [digest]
    saves = course.state.quiz_saves[before[2] :]
    assert [save.how for save in saves] == ["submit"]
    assert "1" in saves[0].answers.values()


def _write(visit: Visit, way: Way, plan: Path) -> None:
    visit.page.goto(way.base + "/mod/forum/discuss.php?d=11")
    visit.shot("text-first-forum-phone")
    visit.page.fill("#id_message", "Без скриптов тоже можно.")
    visit.page.set_input_files("#id_file", plan)
    visit.page.click("#id_submitbutton")
    visit.page.wait_for_url("**/mod/forum/discuss.php?d=11#p*")
    # What is handed in or answered stands on pages that stay whole; this one doesn't.
    needless = [url for url in visit.requested if url.partition("?")[0].endswith((".js", ".css", ".woff2"))]
    assert [url for url in needless if "/.tropa/" not in url] == []
    visit.page.goto(way.base + "/mod/assign/view.php?id=181")
    visit.page.set_input_files("#id_files", plan)
    visit.page.click("#id_submitbutton")
    visit.page.wait_for_selector("text=Отправлено для оценивания")


def _sit_the_quiz(visit: Visit, way: Way) -> None:
    visit.page.goto(way.base + "/mod/quiz/view.php?id=191")
    visit.page.click("text=Начать тестирование")
    visit.page.wait_for_url("**/mod/quiz/attempt.php*")
    visit.shot("text-first-quiz-phone", full=True)
    visit.page.locator(".multichoice input[type=radio][value='1']").first.check()
    visit.page.click("#quiz-finish")
    visit.page.wait_for_url("**/mod/quiz/review.php*")


@pytest.mark.parametrize("way", ["reverse"], indirect=True)
def test_a_page_that_the_first_left_is_not_shown_again_by_the_back_button(way: Way, browser: Browser) -> None:
    with way.visit(browser) as visit:
        visit.log_in(way.base, FIRST.login, FIRST.password)
        visit.page.get_by_role("link", name="Выход").first.click()
        visit.page.wait_for_url(way.base + "/")
        visit.page.goto(way.base + "/my/")
        until(lambda: "/login/" in visit.page.url, what="the login page")
        assert FIRST.name not in visit.page.content()
