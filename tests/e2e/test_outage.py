"""A school's box whose uplink is cut: the course is read on, the lecture plays, a message waits and goes exactly once;
a test is what the course's own would be without a link. A message whose login has ended goes with its writer's next
one, and a process that is killed four times while it sends loses and doubles nothing."""

from __future__ import annotations

import copy
import random
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape
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
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import COSTLY_STEP_S, until
from tests.e2e.harness.wire import Learner, value_of
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

# The hop that costs is the teachers' own, so that versions are made at once and not in the free hours alone.
SCHOOL: dict[str, Any] = {**copy.deepcopy(METERED), "costly_hop": "learner_link", "store": "school-box"}
SETTINGS = {"place": "school", "outage": {"probe_first": "200 ms", "probe_slowest": "500 ms"}}
ANNA, BORIS = USERS["teacher1"], USERS["teacher2"]
COURSE, LECTURE, NEVER = f"/course/view.php?id={COURSE_ID}", "/mod/page/view.php?id=151", "/mod/page/view.php?id=112"
DISCUSSION, QUIZ, SUBMIT = "/mod/forum/discuss.php?d=11", "/mod/quiz/view.php?id=191", "/mod/forum/post.php"
TEXT = "Спасибо за лекцию. Обратную связь по голосу попробую в пятницу."
LATE = "Напишу позже: связь то есть, то нет."
TAKE = "[formaction='/.tropa/outbox/mine'], [formaction='/.tropa/outbox/take']"
READY_MS = 120_000
KILLS = 4


@dataclass
class School:
    """A course, the uplink to it, and the box at the school."""

    course: RunningCourse
    uplink: Link
    box: TropaProcess

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.box.ports['school']}"

    def learner(self) -> Learner:
        learner = Learner(self.box.ports["school"])
        learner.log_in(ANNA.login, ANNA.password)
        return learner

    def without_link(self) -> None:
        """Cut it, and wait until the box knows."""
        self.uplink.cut()
        stranger = Learner(self.box.ports["school"])
        until(lambda: stranger.ask(NEVER).status == 503, what="the box to know that its link is down")


def regions_for(port: int) -> Regions:
    return Regions(course_port=port, places={"school": SCHOOL}, settings=SETTINGS)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with running_course() as course:
        uplink = Link(course.port)
        with tropa_process(regions_for(uplink.port), tmp_path_factory.mktemp("school")) as box:
            yield School(course, uplink, box)
        uplink.close()


def seen_as(stack: ExitStack, browser: Browser, first: Visit, **options: Any) -> Visit:
    """The same login in a window of another size or language."""
    state = first.page.context.storage_state()
    return stack.enter_context(visiting(browser, storage_state=state, **options))


def look_at(browser: Browser, first: Visit, address: str, name: str) -> None:
    """Screens of an address on a small phone and a desktop, in both languages; none is wider than its screen."""
    for language in ("ru-RU", "en-GB"):
        with ExitStack() as stack:
            visit = seen_as(stack, browser, first, size=SMALL_PHONE, locale=language)
            visit.page.goto(address)
            for size_name, size in (("320", SMALL_PHONE), ("1280", DESKTOP)):
                visit.page.set_viewport_size(size)  # type: ignore[arg-type]
                visit.shot(f"outage-{name}-{size_name}-{language[:2]}")
                if name != "kept":  # a kept page is as wide as the course made it
                    assert visit.too_wide_px() <= 0


def told(school: School, visit: Visit) -> str:
    """What the browser and the box tell of where a visit ended."""
    lines = [f"{line['status']} {line['method']} {line['url']}" for line in school.box.log()[-12:]]
    page = visit.page
    return "\n".join([f"{page.url}: {page.title()!r}", page.inner_text("body")[:300], *lines, *visit.errors[-5:]])


@needs_ffmpeg
@pytest.mark.browser
def test_a_course_goes_on_through_an_outage(browser: Browser, school: School) -> None:
    base, posts = school.base, school.course.state.posts
    with visiting(browser) as anna:
        anna.log_in(base, ANNA.login, ANNA.password)
        for path in (COURSE, DISCUSSION, QUIZ, LECTURE):
            anna.page.goto(base + path)
        choose_slidecast(anna)
        school.without_link()
        try:
            the_course_is_read_on(browser, school, anna)
            the_lecture_plays(school, anna)
            the_quiz_pretends_nothing(school, anna)
            receipt = a_message_waits(browser, school, anna)
            nobody_else_sees_hers(browser, school, receipt)
        finally:
            school.uplink.mend()
        until(
            lambda: anna.page.goto(base + COURSE) and not kept_bar(anna),
            what="the course's own page",
            step_s=COSTLY_STEP_S,
        )
        until(lambda: school.course.state.posts, what="the message in the forum", timeout_s=60)
        until(lambda: sent(anna, receipt), what="the receipt to say so", step_s=COSTLY_STEP_S)
        anna.shot("outage-sent-1280-ru")
        anna.page.goto(base + DISCUSSION)
        assert anna.page.locator("article.forumpost", has_text=TEXT).count() == 1
    assert [(post.login, post.message) for post in school.course.state.posts] == [(ANNA.login, TEXT)] and not posts


def choose_slidecast(visit: Visit) -> None:
    chosen = visit.page.locator(".tropa-card [formaction='/.tropa/make/slidecast']").first
    if not chosen.is_visible():
        visit.page.locator(".tropa-card summary").first.click()
    chosen.click()
    visit.page.wait_for_selector("#sc, .tropa-player", timeout=READY_MS)


def kept_bar(visit: Visit) -> bool:
    return visit.page.locator(".tropa-kept").count() == 1


def sent(visit: Visit, receipt: str) -> bool:
    visit.page.goto(receipt)
    return "Ваше сообщение отправлено" in visit.page.inner_text("h1")


def the_course_is_read_on(browser: Browser, school: School, anna: Visit) -> None:
    reply = anna.page.goto(school.base + COURSE)
    assert reply is not None and reply.status == 200 and kept_bar(anna), told(school, anna)
    assert anna.page.locator(".tropa-kept").bounding_box()["y"] < 120  # type: ignore[index]
    assert "назад)" in anna.page.inner_text(".tropa-kept") or "только что" in anna.page.inner_text(".tropa-kept")
    look_at(browser, anna, school.base + COURSE, "kept")
    reply = anna.page.goto(school.base + NEVER)
    assert reply is not None and reply.status == 503
    assert anna.page.locator(".tropa-here a", has_text="Видеолекция").count() == 1
    assert "Тест" not in anna.page.inner_text(".tropa-here")
    assert anna.page.locator("[action='/.tropa/tonight']").count() == 0  # nothing but her login can have it
    look_at(browser, anna, school.base + NEVER, "missing")
    with ExitStack() as stack:
        plain = seen_as(stack, browser, anna, java_script_enabled=False)
        plain.page.goto(school.base + NEVER)
        with plain.page.expect_navigation() as followed:  # a click ends when the next page begins, not when it is there
            plain.page.click(".tropa-here a")
        assert followed.value.status == 200 and kept_bar(plain), told(school, plain)


def the_lecture_plays(school: School, anna: Visit) -> None:
    anna.page.goto(school.base + LECTURE)
    assert kept_bar(anna), told(school, anna)
    choose_slidecast(anna)
    anna.page.evaluate("document.querySelector('#sc-sound, audio, video').play()")
    until(
        lambda: float(anna.page.evaluate("document.querySelector('#sc-sound, audio, video').currentTime")) > 0.5,
        what="the lecture's sound",
    )
    anna.shot("outage-lecture-1280-ru")


def the_quiz_pretends_nothing(school: School, anna: Visit) -> None:
    reply = anna.page.goto(school.base + QUIZ)
    assert reply is not None and reply.status >= 500 and not kept_bar(anna)
    assert anna.page.locator(".tropa-here").count() == 0
    anna.shot("outage-quiz-1280-ru")
    saved = anna.page.request.post(
        school.base + "/mod/quiz/processattempt.php", form={"attempt": "1", "sesskey": "x"}, max_redirects=0
    )
    assert saved.status >= 500 and "location" not in saved.headers


def a_message_waits(browser: Browser, school: School, anna: Visit) -> str:
    anna.page.goto(school.base + DISCUSSION)
    assert kept_bar(anna), told(school, anna)
    receipt = writes(anna, school.base, TEXT)
    assert TEXT in anna.page.inner_text(".tropa-hers")
    look_at(browser, anna, receipt, "receipt")
    look_at(browser, anna, school.base + "/.tropa/outbox", "list")
    return receipt


def nobody_else_sees_hers(browser: Browser, school: School, receipt: str) -> None:
    with visiting(browser) as other:
        for address in (receipt, school.base + "/.tropa/outbox", school.base + COURSE, school.base + DISCUSSION):
            other.page.goto(address)
            text = other.page.inner_text("body")
            assert TEXT not in text and ANNA.name not in text


# -- another login -----------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_message_whose_login_has_ended_goes_with_its_writers_next_one_and_nobody_elses(
    browser: Browser, school: School
) -> None:
    base, state = school.base, school.course.state
    before = len(state.posts)
    with visiting(browser) as device:
        device.log_in(base, ANNA.login, ANNA.password)
        for path in (COURSE, DISCUSSION):
            device.page.goto(base + path)
        school.without_link()
        try:
            receipt = writes(device, base, LATE)
            state.end_sessions(ANNA.login)
        finally:
            school.uplink.mend()
        until(
            lambda: device.page.goto(base + COURSE) and not kept_bar(device),
            what="the course's page",
            step_s=COSTLY_STEP_S,
        )
        assert len(state.posts) == before, "nothing goes with a session that has ended"
        is_not_offered(device, base, receipt)
        device.log_in(base, BORIS.login, BORIS.password)
        is_not_offered(device, base, receipt)
        logs_out(device, base)
        device.log_in(base, ANNA.login, ANNA.password)
        until(lambda: is_offered(device, base), what="her message under her new login", step_s=COSTLY_STEP_S)
        look_at(browser, device, f"{base}/.tropa/outbox", "adopt")
        device.page.locator(TAKE).first.click()
        until(lambda: len(state.posts) > before, what="the message in the forum", timeout_s=60)
        until(lambda: sent(device, receipt), what="its receipt, now hers again, to say so", step_s=COSTLY_STEP_S)
        device.page.goto(base + DISCUSSION)
        assert device.page.locator("article.forumpost", has_text=LATE).count() == 1
    assert [(post.login, post.message) for post in state.posts[before:]] == [(ANNA.login, LATE)]


def writes(visit: Visit, base: str, text: str) -> str:
    """Her receipt."""
    visit.page.goto(base + DISCUSSION)
    visit.page.fill("#id_message", text)
    visit.page.click("#id_submitbutton")
    visit.page.wait_for_url("**/.tropa/outbox/*")
    return visit.page.url


def is_offered(visit: Visit, base: str) -> bool:
    """Opening pages as she would; each is one more by which the box may know her."""
    visit.page.goto(base + COURSE)
    visit.page.goto(f"{base}/.tropa/outbox")
    return visit.page.locator(TAKE).count() == 1 and LATE in visit.page.inner_text("body")


def is_not_offered(visit: Visit, base: str, receipt: str) -> None:
    """To whom isn't she: neither the words nor the button, however many pages are opened."""
    for path in (COURSE, DISCUSSION, LECTURE):
        visit.page.goto(base + path)
        for address in (f"{base}/.tropa/outbox", receipt):
            visit.page.goto(address)
            assert visit.page.locator(TAKE).count() == 0 and LATE not in visit.page.inner_text("body")


def logs_out(visit: Visit, base: str) -> None:
    visit.page.goto(base + COURSE)
    token = visit.page.evaluate("M.cfg.sesskey")
    visit.page.goto(f"{base}/login/logout.php?sesskey={token}")


# -- killed in the middle ----------------------------------------------------------------------------------------------


def test_a_process_killed_four_times_while_it_sends_loses_and_doubles_nothing(school: School, tmp_path: Path) -> None:
    chance, state_dir = random.Random(7), tmp_path / "state"
    learner, told = Learner(0), [f"Сообщение номер {number}: написано без связи." for number in range(KILLS)]
    for number, text in enumerate(told):
        with tropa_process(regions_for(school.uplink.port), tmp_path / str(number), state_dir=state_dir) as box:
            there = School(school.course, school.uplink, box)
            learner.port = box.ports["school"]
            if number == 0:
                learner.log_in(ANNA.login, ANNA.password)
            write_without_link(there, learner, text)
            until(lambda: learner.ask(COURSE).status == 200, what="the link to be seen")
            time.sleep(chance.uniform(0, 0.12))  # wherever its sending is by now
            box.kill()
    with tropa_process(regions_for(school.uplink.port), tmp_path / "last", state_dir=state_dir) as box:
        learner.port = box.ports["school"]
        last = School(school.course, school.uplink, box)
        until(lambda: is_settled(last, learner), what="an end of all", timeout_s=60)
    posted = [post.message for post in school.course.state.posts if post.message.startswith("Сообщение номер")]
    assert sorted(posted) == sorted(told)


def write_without_link(school: School, learner: Learner, text: str) -> None:
    """Written, kept, told; then the link is back."""
    school.without_link()
    reply = learner.post(SUBMIT, message_of(learner, text))
    assert reply.status == 303 and "/.tropa/outbox/" in reply.get("Location")
    school.uplink.mend()


def message_of(learner: Learner, text: str) -> dict[str, str]:
    kept = learner.ask(DISCUSSION)
    token = value_of(kept.text, "sesskey") if kept.status == 200 else "of-a-page-that-is-gone"
    return {"sesskey": token, "d": "11", "reply": "1", "subject": "Re: Связь", "message": text}


def is_settled(school: School, learner: Learner) -> bool:
    """Answer what is asked as somebody who looks at the forum; whether nothing is open any more."""
    page = learner.ask("/.tropa/outbox").text
    for receipt in set(re.findall(r'href="(/\.tropa/outbox/[^"]+)"', page)):
        text = learner.ask(receipt).text
        if "Решите, что делать" in text:
            hers = re.search(r'class="tropa-hers"[^>]*>([^<]*)<', text)
            assert hers is not None
            there = any(post.message == unescape(hers[1]) for post in school.course.state.posts)
            act = "arrived" if there else "again"
            learner.post(f"/.tropa/outbox/{act}", {"token": value_of(text, "token")})
    states = re.findall(r"<h1>([^<]*)</h1>", "".join(learner.ask(one).text for one in receipts_of(learner)))
    return bool(states) and all("отправлено" in state for state in states)


def receipts_of(learner: Learner) -> list[str]:
    return sorted(set(re.findall(r'href="(/\.tropa/outbox/[^"]+)"', learner.ask("/.tropa/outbox").text)))
