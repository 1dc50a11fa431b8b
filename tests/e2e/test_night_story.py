"""What nobody opened: a night brings a lecture, a book and what is new in the forum; the link is cut, it is read, it
plays, a message is written, the link returns, and the message is in the forum once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import RunningCourse
from proxy.demo.course.catalog import COURSE_ID
from proxy.demo.course.state import USERS
from tests.e2e.harness.browser import DESKTOP, SMALL_PHONE, Visit, visiting
from tests.e2e.harness.course import running_course
from tests.e2e.harness.cuts import Link
from tests.e2e.harness.tropa import TropaAt, tropa_at
from tests.e2e.harness.waiting import COSTLY_STEP_S, until
from tests.e2e.harness.wire import Learner, value_of
from tests.e2e.test_night import OPENS, reported, school
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

ANNA = USERS["teacher1"]
COURSE, LECTURE = f"/course/view.php?id={COURSE_ID}", "/mod/page/view.php?id=151"
DISCUSSION = "/mod/forum/discuss.php?d=11"
TEXTS = f"/.tropa/texts/{COURSE_ID}"
NEWS, BOOK = "/mod/forum/discuss.php?d=12", "/mod/book/view.php?id=154"
NEW_POST = "Консультация в четверг будет только звуком: так она откроется и там, где связь слабая."
MESSAGE = "Лекцию посмотрела без связи. Обратную связь по голосу попробую в пятницу."
NEAR = {
    "follow": [{"origin": "course", "course": COURSE_ID, "what": ["sections", "recordings", "forums"], "ahead": 0}],
    "limit": "200 MB",
}
READY_S = 240


@contextmanager
def night(tmp_path: Path) -> Iterator[tuple[RunningCourse, Link, TropaAt, str]]:
    told_at = (OPENS - timedelta(hours=3)).timestamp()  # when whoever writes before the night does so
    with running_course(clock=lambda: told_at) as course, school(course, tmp_path, **NEAR) as (regions, link):
        regions.settings = {
            "place": "school",
            "outage": {"probe_first": "200 ms", "probe_slowest": "500 ms"},
            "limits": {"max_night_file": "50 MB"},
        }
        somebody_writes(course)
        with tropa_at(OPENS - timedelta(seconds=6), regions, tmp_path) as tropa:
            yield course, link, tropa, f"http://127.0.0.1:{tropa.ports['school']}"


@needs_ffmpeg
@pytest.mark.browser
@pytest.mark.timeout(500)
def test_a_lecture_that_a_night_brought_is_read_and_plays_without_a_link(browser: Browser, tmp_path: Path) -> None:
    with night(tmp_path) as (course, link, tropa, base), visiting(browser) as anna:
        anna.log_in(base, ANNA.login, ANNA.password)
        for path in (COURSE, DISCUSSION):
            anna.page.goto(base + path)
        until(
            lambda: "lekciya.mp4" in by_morning(tropa),
            what="the lecture's slides and sound",
            timeout_s=READY_S,
            step_s=COSTLY_STEP_S,
        )
        assert LECTURE not in course.state.views, "a night opens nothing"
        a_stranger_reads_nothing(tropa)
        link.cut()
        until(lambda: anna.page.goto(base + LECTURE).status == 503, what="the outage")  # type: ignore[union-attr]
        look_at(browser, anna, base + LECTURE, "missing")
        anna.page.click(".tropa-go")
        assert "Содержание лекции" in anna.page.inner_text(".tropa-read") and TEXTS in anna.page.url
        look_at(browser, anna, anna.page.url, "text")
        the_lecture_plays(anna)
        look_at(browser, anna, base + TEXTS, "course")
        what_was_new_is_read(browser, anna, base)
        the_book_is_read(browser, anna, base)
        a_message_goes_once(anna, course, link, base)
        assert not {LECTURE, BOOK} & set(course.state.views)
        until(lambda: told(tropa)["use"]["opened_films"] == 1, what="the report to say that the lecture was watched")
        for name in ("night", "mine", "outbox"):
            look_at(browser, anna, f"{base}/.tropa/{name}", name)
        [lecture] = [line for line in told(tropa)["here"] if line["title"] == "lekciya.mp4"]
        assert lecture["opened"] and "Лекций и записей среди них: 1 из" in morning_page(tropa)


def somebody_writes(course: RunningCourse) -> None:
    """Another teacher, from elsewhere, before the night looks around."""
    boris, there = USERS["teacher2"], Learner(course.port)
    there.log_in(boris.login, boris.password)
    page = there.ask(NEWS).text
    form = {"sesskey": value_of(page, "sesskey"), "d": "12", "reply": "1201", "subject": "Re", "message": NEW_POST}
    assert there.post("/mod/forum/post.php", form).status == 303


def what_was_new_is_read(browser: Browser, anna: Visit, base: str) -> None:
    """A discussion that she never opened, found from the page that says there is no link."""
    reply = anna.page.goto(base + NEWS)
    assert reply is not None and reply.status == 503
    anna.page.click(".tropa-go")
    assert NEW_POST in anna.page.inner_text(".tropa-read") and f"{TEXTS}/thread-12" in anna.page.url
    look_at(browser, anna, anna.page.url, "thread")
    anna.page.goto(base + TEXTS)
    assert anna.page.locator("main a, body a", has_text="Связь обрывается").count() == 0, "nights before told of it"


def the_book_is_read(browser: Browser, anna: Visit, base: str) -> None:
    """From its own address to the first chapter, from the course's texts to the one with a picture."""
    reply = anna.page.goto(base + BOOK)
    assert reply is not None and reply.status == 503
    anna.page.click(".tropa-go")
    assert "Зачем отвечать ученику" in anna.page.inner_text("h1")
    assert "куда ему идти" in anna.page.inner_text(".tropa-read")
    anna.page.get_by_role("link", name="Дальше: ").click()
    assert "Четыре шага занятия" in anna.page.inner_text("h1")
    anna.page.goto(base + TEXTS)
    chapters = anna.page.locator("a[href*='/chapter-154-']")
    assert chapters.count() == 3 and "Для ведущих курса" not in anna.page.inner_text("body")
    chapters.nth(1).click()
    picture = anna.page.locator(".tropa-read img")
    until(lambda: int(picture.evaluate("one => one.naturalWidth")) > 100, what="the chapter's picture")
    look_at(browser, anna, anna.page.url, "chapter")


def by_morning(tropa: TropaAt) -> set[str]:
    return {str(line["title"]) for line in told(tropa)["here"]}


def told(tropa: TropaAt) -> dict[str, Any]:
    """As the command tells it, beside the browser's own loop."""
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(reported, tropa).result()


def morning_page(tropa: TropaAt) -> str:
    return Learner(tropa.ports["school"]).ask("/.tropa/night").text.replace("\xa0", " ")


def a_stranger_reads_nothing(tropa: TropaAt) -> None:
    """Somebody at the same school whom the course hasn't let in."""
    stranger = Learner(tropa.ports["school"])
    assert stranger.ask(TEXTS).get("Location") == "/.tropa/texts"
    assert "/.tropa/texts/" not in stranger.ask("/.tropa/texts").text


def the_lecture_plays(anna: Visit) -> None:
    anna.page.locator(".tropa-read a[href*='/.tropa/media/']").first.click()
    anna.page.wait_for_load_state()
    assert anna.page.locator("[formaction='/.tropa/make/slidecast']").count(), anna.page.inner_text("body")
    anna.page.locator("a[href$='slidecast'], [formaction='/.tropa/make/slidecast']").first.click()
    anna.page.wait_for_selector("#sc", timeout=60_000)
    anna.page.evaluate("document.querySelector('#sc-sound, audio, video').play()")
    until(
        lambda: float(anna.page.evaluate("document.querySelector('#sc-sound, audio, video').currentTime")) > 0.5,
        what="the lecture's sound",
    )


def a_message_goes_once(anna: Visit, course: RunningCourse, link: Link, base: str) -> None:
    anna.page.goto(base + DISCUSSION)
    anna.page.fill("#id_message", MESSAGE)
    anna.page.click("#id_submitbutton")
    anna.page.wait_for_url("**/.tropa/outbox/*")
    link.mend()
    until(lambda: hers(course), what="the message in the forum", timeout_s=60)
    anna.page.goto(base + DISCUSSION)
    assert anna.page.locator("article.forumpost", has_text=MESSAGE).count() == 1
    assert hers(course) == [MESSAGE]


def hers(course: RunningCourse) -> list[str]:
    """What she has written in the forum."""
    return [post.message for post in course.state.posts if post.login == ANNA.login]


def look_at(browser: Browser, first: Visit, address: str, name: str) -> None:
    """Screens on a small phone and a desktop, in both languages; none is wider than its screen."""
    for language in ("ru-RU", "en-GB"):
        with ExitStack() as stack:
            state = first.page.context.storage_state()
            visit = stack.enter_context(visiting(browser, storage_state=state, size=SMALL_PHONE, locale=language))
            visit.page.goto(address)
            for size_name, size in (("320", SMALL_PHONE), ("1280", DESKTOP)):
                visit.page.set_viewport_size(size)  # type: ignore[arg-type]
                visit.shot(f"texts-{name}-{size_name}-{language[:2]}")
                assert visit.too_wide_px() <= 0
